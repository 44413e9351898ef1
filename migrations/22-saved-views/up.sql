-- What somebody looks at again and again: days, filters and groups of the Usage screen under a name.
CREATE TABLE saved_view (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    -- what it shows; the engine knows its shape
    shows      TEXT    NOT NULL CHECK (json_type(shows) = 'object'),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER saved_view_inserted AFTER INSERT ON saved_view BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER saved_view_updated  AFTER UPDATE ON saved_view BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER saved_view_deleted  AFTER DELETE ON saved_view BEGIN UPDATE configuration SET version = version + 1; END;
