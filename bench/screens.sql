-- What the Overview and Usage show, asked plainly of the raw rows, without their percentiles. Days are those of UTC.
-- :today is when today begins, :from when the screen's range begins, :prior when the range before it does.

-- overview
SELECT s.app, sum(u."final"), sum(u.input_tokens), sum(u.output_tokens), sum(u.cost_nano_usd), avg(u.total_ms)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :today GROUP BY s.app;
SELECT s.feature, sum(u."final"), sum(u.cost_nano_usd)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :today GROUP BY s.feature;
SELECT sum("final"), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd), avg(total_ms)
FROM usage u WHERE u.at >= :today - 86400000 AND u.at < :today;
SELECT u.at - u.at % 3600000 AS hour, sum("final"), avg(total_ms) FROM usage u WHERE u.at >= :today - 86400000 GROUP BY hour;
SELECT sum(cost_nano_usd) FROM usage u WHERE u.at >= :today - 2505600000;
SELECT sum(cost_nano_usd) FROM usage u WHERE u.at >= :today - 5097600000 AND u.at < :today - 2505600000;
SELECT (u.at - u.at % 3600000) % 604800000 AS hour, sum(cost_nano_usd) FROM usage u WHERE u.at >= :today - 2505600000 GROUP BY hour;
SELECT s.provider, s.model, count(*) FROM usage u JOIN series s ON s.id = u.series_id
WHERE u.at >= :today - 2505600000 AND u.cost_nano_usd IS NULL GROUP BY s.provider, s.model;
SELECT s.provider, u.at - u.at % 86400000 AS day, sum(u.cost_nano_usd)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :today - 2505600000 GROUP BY s.provider, day;
SELECT s.connection_key, u.at - u.at % 1800000 AS cell, s.outcome, count(*), sum(u.cost_nano_usd), avg(u.total_ms)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :today - 86400000 GROUP BY s.connection_key, cell, s.outcome;

-- usage
SELECT count(*), sum("final"), sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cost_nano_usd), avg(total_ms)
FROM usage u WHERE u.at >= :from;
SELECT count(*), sum("final"), sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(cost_nano_usd), avg(total_ms)
FROM usage u WHERE u.at >= :prior AND u.at < :from;
SELECT s.provider, count(*), sum(u."final"), sum(u.input_tokens), sum(u.output_tokens), sum(u.cost_nano_usd), avg(u.total_ms)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :from GROUP BY s.provider;
SELECT s.provider, u.at - u.at % 86400000 AS day, sum(u.cost_nano_usd)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :from GROUP BY s.provider, day;
SELECT u.at - u.at % 86400000 AS day, sum(input_tokens), sum(cached_tokens), sum(output_tokens) FROM usage u WHERE u.at >= :from GROUP BY day;
SELECT u.at - u.at % 86400000 AS day, avg(total_ms) FROM usage u WHERE u.at >= :from GROUP BY day;
SELECT s.error_class, u.at - u.at % 86400000 AS day, count(*)
FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= :from AND s.error_class <> '' GROUP BY s.error_class, day;
SELECT (u.at - u.at % 3600000) % 604800000 AS hour, sum("final") FROM usage u WHERE u.at >= :from GROUP BY hour;
SELECT u.at - u.at % 86400000 AS day, sum(cost_nano_usd) FROM usage u WHERE u.at >= :today - 15638400000 GROUP BY day;
