-- What routing has learnt of a connection outlives the process, and a call's way is kept with its attempts.

-- when a person, or a test that passed, last said that all is well: every process on the folder then forgets its blame
ALTER TABLE connection ADD COLUMN cleared_at INTEGER;

-- why it needs a person, since when, and with which credential: another one owes nothing to it
ALTER TABLE connection_state ADD COLUMN attention_code TEXT;
ALTER TABLE connection_state ADD COLUMN attention_since INTEGER;
ALTER TABLE connection_state ADD COLUMN attention_credential INTEGER;

-- who was passed by on the way to an attempt, and how long it waited; NULL where it came straight
ALTER TABLE usage ADD COLUMN detours TEXT CHECK (json_type(detours) = 'object');
