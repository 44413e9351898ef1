-- Whether a call asks the next target too while the first is slower than it usually is; NULL = wait for the first.
ALTER TABLE profile_version ADD COLUMN when_slow TEXT CHECK (when_slow IN ('wait', 'ask_next'));
