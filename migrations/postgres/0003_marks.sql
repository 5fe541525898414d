-- Which copy this is of the store of its id: copies have the id of their original, and each has a place
-- in object storage and indexes of its own. What is older than marks is marked by its id, which stands
-- in its bucket already.
ALTER TABLE store ADD COLUMN mark text NOT NULL DEFAULT '';
UPDATE store SET mark = id;
ALTER TABLE store ALTER COLUMN mark DROP DEFAULT;

-- Pages of which something was not taken, for the list of what was kept out.
CREATE INDEX urls_declined ON urls (id) WHERE declined IS NOT NULL;
