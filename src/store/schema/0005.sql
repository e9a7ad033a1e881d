-- Which defaults of `[data]` hold for the file: those of the version with which it was last run. Resuming keeps them.
ALTER TABLE experiments ADD COLUMN edition INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN edition INTEGER NOT NULL DEFAULT 1;
