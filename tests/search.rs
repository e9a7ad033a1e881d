//! Searches: the real binary decides, trains, pauses, continues, stops and resumes on a small made-up data set.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::common::{DATABASE, TIMEOUT, TestDir, experiment};
use crate::torture::rng::Rng;

/// Kills of a search before it is let go to its end.
const KILLS: u32 = 12;

fn test_dir(search: &str) -> TestDir {
    let dir = TestDir::with_data(400);
    write(&dir, search);
    dir
}

/// Writes an experiment with the `search` of small networks over learning rate, layers and momentum.
fn write(dir: &TestDir, search: &str) {
    let training = format!(
        "[model]
epochs = 9
batch_size = 64
embedding = \"none\"

[search]
{search}

[search.space]
lr = {{ log = [1e-3, 1e-1] }}
layers = [[8], [16], [8, 8]]
optimizer = [\"adamw\", \"sgd\"]
momentum = {{ lin = [0.0, 0.9], when = {{ optimizer = \"sgd\" }} }}
"
    );
    dir.write("s.toml", experiment(&["danceability", "energy"], &training));
}

const ASHA: &str = "method = \"asha\"\nwidth = 4\nbudget = { trainings = 5 }\nrungs = [1, 3]";

/// Every decision with its outcome, a line each, as the database has them.
fn history(dir: &TestDir) -> Vec<String> {
    let connection = dir.database();
    let mut query = connection
        .prepare(
            "SELECT search || ' ' || number || ' ' || trial || ' ' || from_step || '-' || to_step || ' '
                    || reason || ' ' || decision || ' ' || coalesce(result, 'no result')
             FROM search_jobs ORDER BY search, number",
        )
        .unwrap();
    let lines = query.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_same_file_gives_the_same_jobs_under_any_number_of_workers() {
    let mut all = Vec::new();
    for (workers, method) in [
        ("1", "asha"),
        ("2", "asha"),
        ("5", "asha"),
        ("1", "auto"),
        ("3", "auto"),
    ] {
        let dir = test_dir(&ASHA.replace("asha", method));
        dir.succeed(&["run", "s.toml", "-q", "--workers", workers]);
        let history = history(&dir);
        assert!(history.len() > 10, "{history:#?}");
        all.push((method, history));
    }
    for (method, history) in &all {
        let (_, first) = all.iter().find(|(other, _)| other == method).unwrap();
        assert_eq!(history, first);
    }
}

#[test]
fn trials_pause_and_continue_as_if_they_had_never_paused() {
    let dir = test_dir(ASHA);
    dir.succeed(&["run", "s.toml", "-q", "--workers", "2"]);
    let continued = "SELECT count(*) FROM trials t WHERE t.status = 'finished' AND
                     (SELECT count(*) FROM search_jobs j WHERE j.trial = t.name) = 3";
    assert!(dir.count(continued) >= 1);
    assert!(
        dir.count("SELECT count(*) FROM trials WHERE status = 'pruned' AND steps IN (1, 3)") >= 3
    );
    let unlike = "SELECT count(*) FROM trials WHERE status NOT IN ('finished', 'pruned')";
    assert_eq!(dir.count(unlike), 0);
    // The same trial in one go, from a grid of one configuration.
    let best = "SELECT t.name FROM trials t WHERE t.status = 'finished' ORDER BY t.best DESC, t.name LIMIT 1";
    let trial = dir.text(best);
    let setting = |name: &str| {
        dir.text(&format!(
            "SELECT CASE p.type WHEN 'text' THEN '\"' || p.value || '\"' ELSE CAST(p.value AS TEXT) END
             FROM params p JOIN trials t ON t.id = p.trial WHERE t.name = '{trial}' AND p.name = '{name}'"
        ))
    };
    let curve = format!(
        "SELECT group_concat(step || ' ' || metric || ' ' || value) FROM (
             SELECT m.step, n.name AS metric, m.value FROM metrics m JOIN trials t ON t.id = m.trial
             JOIN metric_names n ON n.id = m.metric
             WHERE t.name = '{trial}' AND n.name NOT LIKE '%seconds%' ORDER BY m.step, n.name)"
    );
    let expected = dir.text(&curve);
    let alone = TestDir::with_data(400);
    let training = format!(
        "[model]\nepochs = 9\nbatch_size = 64\nembedding = \"none\"\nlr = {}\nlayers = {}\noptimizer = {}\nmomentum = {}\n",
        setting("lr"),
        setting("layers"),
        setting("optimizer"),
        setting("momentum")
    );
    alone.write(
        "alone.toml",
        experiment(&["danceability", "energy"], &training),
    );
    alone.succeed(&["run", "alone.toml", "-q"]);
    assert_eq!(alone.text(&curve), expected);
}

#[test]
fn a_search_that_has_ended_trains_nothing_and_a_larger_budget_continues_it() {
    let dir = test_dir(ASHA);
    dir.succeed(&["run", "s.toml", "-q"]);
    let first = history(&dir);
    let (_, said) = dir.end(&["run", "s.toml"], 0);
    assert!(said.contains("the search has ended"), "{said}");
    assert!(said.contains("nothing left to train"), "{said}");
    assert_eq!(history(&dir), first);
    write(&dir, &ASHA.replace("trainings = 5", "trainings = 7"));
    let (_, said) = dir.end(&["run", "s.toml"], 0);
    assert!(said.contains("jobs decided on before"), "{said}");
    let second = history(&dir);
    assert!(second.len() > first.len());
    assert_eq!(second[..first.len()], first);
    assert_eq!(dir.count("SELECT count(*) FROM searches"), 1);
}

#[test]
fn a_search_killed_anywhere_and_resumed_decides_as_one_left_alone() {
    let alone = test_dir(&ASHA.replace("asha", "auto"));
    alone.succeed(&["run", "s.toml", "-q", "--workers", "2"]);
    let expected = history(&alone);
    let dir = test_dir(&ASHA.replace("asha", "auto"));
    let mut rng = Rng::new(7);
    for _ in 0..KILLS {
        let mut run = dir
            .command(&["run", "s.toml", "-q", "--workers", "2"])
            .spawn()
            .unwrap();
        kill_after(&mut run, Duration::from_millis(40 + rng.between(0, 500)));
    }
    dir.succeed(&["run", "s.toml", "-q", "--workers", "3"]);
    assert_eq!(history(&dir), expected);
}

/// Kills `run` after `time`, unless it has ended by then.
fn kill_after(run: &mut Child, time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time.min(TIMEOUT) {
        if run.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = run.kill();
    run.wait().unwrap();
}

#[test]
fn seeds_at_the_end_are_the_same_for_all_that_take_part() {
    let search =
        "method = \"random\"\nbudget = { trials = 6 }\nfinish = { top = 4, trainings = 12 }";
    let dir = test_dir(search);
    dir.succeed(&["run", "s.toml", "-q"]);
    let finish = "SELECT count(*) FROM search_jobs WHERE reason = 'finish'";
    let trained = dir.count(finish);
    assert!((8..=12).contains(&trained), "{trained}");
    // Of two configurations of the last round, both have every seed.
    let seeds = dir.text(
        "SELECT group_concat(seeds, ';') FROM (SELECT group_concat(seed) AS seeds FROM
             (SELECT config, seed FROM trials ORDER BY config, seed)
         GROUP BY config ORDER BY count(*) DESC LIMIT 2)",
    );
    let (one, other) = seeds.split_once(';').unwrap();
    assert_eq!(one, other);
    assert!(one.starts_with("1,2,3"), "{one}");
}

#[test]
fn enqueued_points_come_first_and_constraints_hold() {
    let search = "method = \"random\"\nbudget = { trials = 8 }\nconstraints = [\"parameters <= 120\", \"lr >= 0.002\"]
enqueue = [{ lr = 0.01, layers = [8], optimizer = \"adamw\" }, { lr = 0.02, layers = [8], optimizer = \"sgd\", momentum = 0.5 }]";
    let dir = test_dir(search);
    dir.succeed(&["run", "s.toml", "-q"]);
    let reasons = dir
        .text("SELECT group_concat(reason) FROM (SELECT reason FROM search_jobs ORDER BY number)");
    assert!(
        reasons.starts_with("enqueued,enqueued,drawn,drawn"),
        "{reasons}"
    );
    let rate = "SELECT p.value FROM params p JOIN trials t ON t.id = p.trial JOIN search_jobs j ON j.trial = t.name
                WHERE p.name = 'lr' AND j.number = 0";
    let rate: f64 = dir
        .database()
        .query_row(rate, [], |row| row.get(0))
        .unwrap();
    assert_eq!(rate, 0.01);
    assert_eq!(
        dir.count("SELECT count(*) FROM trials WHERE status = 'finished'"),
        8
    );
    assert_eq!(
        dir.count("SELECT count(*) FROM trials WHERE parameters > 120"),
        0
    );
    assert_eq!(
        dir.count("SELECT count(*) FROM params WHERE name = 'lr' AND value < 0.002"),
        0
    );
}

#[test]
fn a_search_over_single_values_ends_when_all_are_trained() {
    let dir = TestDir::with_data(400);
    let training = "[model]\nepochs = 4\nbatch_size = 64\n
[search]\nmethod = \"auto\"\nbudget = { trainings = 50 }\nrungs = [1]\n
[search.space]\nlr = [0.01, 0.1]\nlayers = [[8], [16]]\ndropout = [0.0, 0.2]\nexclude = [{ lr = 0.1, layers = [16] }]\n";
    dir.write("s.toml", experiment(&["danceability", "energy"], training));
    let (_, said) = dir.end(&["run", "s.toml"], 0);
    assert!(
        said.contains("every point of the space has been trained"),
        "{said}"
    );
    assert_eq!(
        dir.count("SELECT count(DISTINCT trial) FROM search_jobs"),
        6
    );
    assert_eq!(dir.count("SELECT count(*) FROM trials WHERE seed = 1"), 6);
}

#[test]
fn results_of_another_sweep_on_the_same_data_are_told_first_and_cost_nothing() {
    let dir = test_dir("method = \"random\"\nbudget = { trials = 5 }");
    dir.succeed(&["run", "s.toml", "-q"]);
    let toml = std::fs::read_to_string(dir.path("s.toml")).unwrap();
    dir.write(
        "t.toml",
        toml.replace(
            "method = \"random\"\nbudget = { trials = 5 }",
            "method = \"gp\"\nseed = 9\nbudget = { trials = 4 }",
        ),
    );
    let (_, said) = dir.end(&["run", "t.toml"], 0);
    assert!(said.contains("told of 5 earlier results"), "{said}");
    let own = "SELECT count(*) FROM experiment_trials x JOIN experiments e ON e.id = x.experiment
               WHERE e.name = 't' AND x.in_plan = 1";
    assert_eq!(dir.count(own), 9);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 9);
}

#[test]
fn a_search_of_which_every_job_fails_stops_and_can_be_retried() {
    let dir = test_dir("method = \"random\"\nbudget = { trials = 30 }");
    // Nothing can be written where the trials' folders would be.
    std::fs::create_dir_all(dir.path("runs")).unwrap();
    let settings = [
        "run",
        "s.toml",
        "--set",
        "schedule.trial_timeout=\"1ms\"",
        "--set",
        "model.epochs=100000",
    ];
    let (_, said) = dir.end(&settings, 3);
    assert!(said.contains("its first 10 jobs all failed"), "{said}");
    assert!(dir.count("SELECT count(*) FROM search_jobs WHERE outcome = 'failed'") >= 10);
    assert!(dir.path(DATABASE).exists());
    let retried = [
        "run",
        "s.toml",
        "-q",
        "--retry-failed",
        "--set",
        "model.epochs=100000",
        "--max-trials",
        "1",
        "--set",
        "schedule.trial_timeout=\"1ms\"",
    ];
    dir.end(&retried, 6);
    let again = "SELECT count(*) FROM search_jobs WHERE outcome = 'failed'";
    assert!(dir.count(again) < 10);
}

/// Checkpoints of all trials.
fn checkpoints(dir: &TestDir) -> usize {
    let folders = std::fs::read_dir(dir.path("runs/trials")).unwrap();
    let count = |folder: std::fs::DirEntry| {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with("checkpoint."))
            .count()
    };
    folders.map(|folder| count(folder.unwrap())).sum()
}

#[test]
fn checkpoints_of_an_ended_search_may_be_removed_and_a_larger_budget_gives_the_same() {
    let larger = ASHA.replace("trainings = 5", "trainings = 7");
    let [kept, removed] = [false, true].map(|removes| {
        let dir = test_dir(ASHA);
        dir.succeed(&["run", "s.toml", "-q"]);
        assert!(checkpoints(&dir) > 0);
        if removes {
            dir.succeed(&["gc", "--yes"]);
            assert_eq!(checkpoints(&dir), 0);
        }
        write(&dir, &larger);
        dir.succeed(&["run", "s.toml", "-q"]);
        history(&dir)
    });
    assert_eq!(kept, removed);
}

#[test]
fn a_budget_of_time_ends_a_session_and_another_one_continues() {
    let dir = test_dir("method = \"random\"\nbudget = { time = \"700ms\" }");
    let slow = [
        "run",
        "s.toml",
        "--workers",
        "1",
        "--set",
        "model.epochs=300",
    ];
    let (_, said) = dir.end(&slow, 6);
    assert!(said.contains("the time limit of"), "{said}");
    let first = history(&dir);
    dir.end(&["resume", "s", "-q", "--workers", "1"], 6);
    let second = history(&dir);
    assert!(
        second.len() > first.len(),
        "{} {}",
        first.len(),
        second.len()
    );
    assert_eq!(
        dir.count("SELECT count(*) FROM searches WHERE ended IS NULL"),
        1
    );
    let listed = dir.succeed(&["show", "s"]);
    assert!(listed.contains("`sweep resume s` continues it"), "{listed}");
}

#[test]
fn lists_tell_what_a_search_did_and_where_trials_were_pruned() {
    let dir = test_dir(ASHA);
    dir.succeed(&["run", "s.toml", "-q"]);
    let shown = dir.succeed(&["show", "s"]);
    let about = "search of network settings: ";
    assert!(shown.contains(about), "{shown}");
    assert!(
        shown.contains("it has ended: the budget is spent"),
        "{shown}"
    );
    let listed = dir.succeed(&["ls", "s"]);
    assert!(listed.contains("pruned at 1"), "{listed}");
    let sweeps = dir.succeed(&["ls"]);
    assert!(sweeps.contains(" pruned)"), "{sweeps}");
    let reported = dir.succeed(&["report", "s"]);
    assert!(reported.contains(about), "{reported}");
    let page = std::fs::read_to_string(dir.path("reports/s/index.html")).unwrap();
    assert!(page.contains("id=\"search\"") && page.contains("average full trainings"));
    let csv = std::fs::read_to_string(dir.path("reports/s/search.csv")).unwrap();
    assert_eq!(csv.lines().count(), history(&dir).len() + 1);
}

#[test]
fn of_several_objectives_best_has_to_be_said() {
    let search = "method = \"random\"\nbudget = { trials = 24 }\nobjectives = [\"valid/accuracy\", \"parameters\"]";
    let dir = test_dir(search);
    let layers = "search.space.layers=[[1], [32]]";
    dir.succeed(&["run", "s.toml", "-q", "--set", layers]);
    let smallest = "SELECT substr(name, 1, 8) FROM trials ORDER BY parameters, best DESC LIMIT 1";
    let smallest = dir.text(smallest);
    let told = dir.fail(&["predict", "best", "demo.csv"], 2);
    assert!(told.contains("has several objectives"), "{told}");
    assert!(told.contains(&smallest), "{told}");
    dir.succeed(&["predict", &smallest, "demo.csv", "-o", "out.csv"]);
}
