-- What of a connection's settings is secret lies in the vault: the values of some headers, and the login of its proxy. They are
-- one document there, under a version of their own that no credential has.

-- the version that holds them; NULL where nothing does
ALTER TABLE connection ADD COLUMN private_version INTEGER CHECK (private_version >= 1);
-- the names of the headers
ALTER TABLE connection ADD COLUMN secret_headers TEXT NOT NULL DEFAULT '[]' CHECK (json_type(secret_headers) = 'array');
-- 1 = the proxy wants a name and a password
ALTER TABLE connection ADD COLUMN proxy_login INTEGER NOT NULL DEFAULT 0 CHECK (proxy_login IN (0, 1));
