-- Budgets degrade to a target and can be raised for one period; alerts are told once, by whichever process has a window.

-- a model, profile or connection that calls go to instead, where the cap degrades them
ALTER TABLE budget ADD COLUMN degrade_to TEXT;
-- what somebody added to the cap for that one period: a day as 20261125, a month as 202611
ALTER TABLE budget ADD COLUMN extra INTEGER NOT NULL DEFAULT 0 CHECK (extra >= 0);
ALTER TABLE budget ADD COLUMN extra_period INTEGER;

-- of causes that matter as much, a higher one is told again: a budget's next level
ALTER TABLE alert ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
-- a budget's day or month
ALTER TABLE alert ADD COLUMN period INTEGER;
ALTER TABLE alert ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
-- 0 until a desktop notification was shown, or was not wanted
ALTER TABLE alert ADD COLUMN told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1));
CREATE INDEX alert_changed ON alert (changed_at);

-- What became of an alert, in order.
CREATE TABLE alert_event (
    id       INTEGER PRIMARY KEY,
    alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    what     TEXT    NOT NULL CHECK (what IN ('opened', 'graver', 'eased', 'told', 'acknowledged', 'snoozed', 'woken', 'closed')),
    detail   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX alert_event_alert ON alert_event (alert_id);
