-- What looks releases up has a lane that no network can be called, as the ways out have.
UPDATE outbox SET network = 'way/pypi' WHERE kind = 'release' AND network = 'pypi';
