-- Who has what, told more exactly.

-- Whether the bucket has an object with the store's id. Stores of before leave it there when they are
-- opened next.
ALTER TABLE store ADD COLUMN has_bucket boolean NOT NULL DEFAULT false;

-- How often a host has changed hands: what a worker says of a host that it has lost meanwhile does not
-- count, though it has it again.
ALTER TABLE host_leases ADD COLUMN generation bigint NOT NULL DEFAULT 0;

-- Its lock is the queue of those who are about to number pictures: nobody who waits for it has read
-- anything that is older by then.
INSERT INTO numbers VALUES ('numbering', 0);

-- What was found at a host is read a bit at a time, in the order of pictures.
CREATE INDEX locations_host_picture ON locations (host, picture) WHERE host IS NOT NULL;
DROP INDEX locations_host;
