-- Agents: jobs on other machines that train the trials of a session, each with a journal of its own.

CREATE TABLE agents (
    session     INTEGER NOT NULL REFERENCES sessions (id),
    number      INTEGER NOT NULL, -- from 1, in the order in which they were first heard of
    name        TEXT NOT NULL,    -- job, host and process; also the name of its journal
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    job         TEXT,             -- of the cluster, as in 1234_5
    slots       INTEGER NOT NULL, -- trials that it runs at a time
    version     TEXT NOT NULL,    -- of sweep
    environment TEXT NOT NULL,    -- JSON, as in sessions
    place       INTEGER NOT NULL, -- bytes of its journal that are in this database
    began_ms    INTEGER NOT NULL, -- by the clock of its machine, like all times of its attempts
    ended_ms    INTEGER,          -- NULL while it runs, and when it was killed
    ended       TEXT,             -- why it ended: nothing_left, stopped, slots_failed, error
    PRIMARY KEY (session, number),
    UNIQUE (session, name)
) STRICT, WITHOUT ROWID;

-- The agent that made the attempt, and how it counts it; NULL for attempts by the coordinator's own machine.
ALTER TABLE attempts ADD COLUMN agent INTEGER;
ALTER TABLE attempts ADD COLUMN agent_attempt INTEGER;
CREATE UNIQUE INDEX attempts_of_agents ON attempts (session, agent, agent_attempt) WHERE agent IS NOT NULL;
