-- Everything that a connection takes from its provider is in the provider's row, whether it comes from the catalogue or from
-- the user; and a list of models remembers what it said.

ALTER TABLE provider ADD COLUMN key_need TEXT NOT NULL DEFAULT 'optional'
    CHECK (key_need IN ('required', 'optional', 'none'));
ALTER TABLE provider ADD COLUMN key_prefix TEXT NOT NULL DEFAULT '';
-- where its keys are made
ALTER TABLE provider ADD COLUMN keys_page TEXT NOT NULL DEFAULT '';
-- the path that proves a key without spending; empty for the list of models
ALTER TABLE provider ADD COLUMN key_check TEXT NOT NULL DEFAULT '';
ALTER TABLE provider ADD COLUMN default_model TEXT NOT NULL DEFAULT '';
-- protocols that it speaks besides, at the same address
ALTER TABLE provider ADD COLUMN also_speaks TEXT NOT NULL DEFAULT '[]' CHECK (json_type(also_speaks) = 'array');
-- how it differs from its protocol
ALTER TABLE provider ADD COLUMN quirks TEXT NOT NULL DEFAULT '{}' CHECK (json_type(quirks) = 'object');

-- 1 = the list names every capability, so what is missing is not there
ALTER TABLE model ADD COLUMN capabilities_complete INTEGER NOT NULL DEFAULT 0 CHECK (capabilities_complete IN (0, 1));
-- the day of its end, as the provider says (2026-11-30)
ALTER TABLE model ADD COLUMN retires_on TEXT;
-- since when it has been in its state
ALTER TABLE model ADD COLUMN state_since INTEGER;

-- The last list of each provider that was read whole. No trigger, it is not configuration.
CREATE TABLE model_sync (
    provider_id INTEGER NOT NULL PRIMARY KEY REFERENCES provider (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    models      INTEGER NOT NULL CHECK (models > 0),
    -- how many of them came with a price
    priced      INTEGER NOT NULL CHECK (priced >= 0)
) STRICT;
