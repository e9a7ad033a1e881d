//! A report as a whole: what it says of ordinary sweeps and how it bears extreme ones.

use super::{Report, make, transfer_text};
use sweep_analysis::fixtures::{
    add, by_hand, crowd, empty, genres, imbalanced, minimise_loss, stop, transferred,
};
use sweep_analysis::{Input, Summary, transfer, wanted};
use sweep_core::trial::{Kind, Status, Value};

mod ensemble;
mod folds;
mod regions;
mod seeds;
mod ties;

/// Blank border of every picture, in half pixels.
const BORDER: u32 = 8;

fn bytes_of<'a>(report: &'a Report, name: &str) -> &'a [u8] {
    let found = report.files.iter().find(|(other, _)| other == name);
    found
        .map(|(_, bytes)| bytes.as_slice())
        .unwrap_or_else(|| panic!("no {name}"))
}

fn text_of<'a>(report: &'a Report, name: &str) -> &'a str {
    std::str::from_utf8(bytes_of(report, name)).unwrap()
}

fn names(report: &Report) -> Vec<&str> {
    report.files.iter().map(|(name, _)| name.as_str()).collect()
}

/// Makes the report and checks every picture: something is drawn, nothing reaches the border, PNG
/// and SVG agree on the size, and no text breaks out of the SVG.
fn drawn(name: &str, input: &Input) -> Report {
    let report = make(input).unwrap();
    // For people to look at.
    if let Some(folder) = std::env::var_os("SWEEP_REPORT_SAMPLES") {
        let folder = std::path::PathBuf::from(folder).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, bytes) in &report.files {
            std::fs::write(folder.join(file), bytes).unwrap();
        }
    }
    for (file, bytes) in report
        .files
        .iter()
        .filter(|(file, _)| file.ends_with(".png"))
    {
        let (width, height) = check_png(&format!("{name}: {file}"), bytes);
        let svg = text_of(&report, &file.replace(".png", ".svg"));
        let size = format!("<svg width=\"{}\" height=\"{}\"", width / 2, height / 2);
        assert!(svg.starts_with(&size), "{name}: {file}: {}", &svg[..80]);
        assert!(svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("<script"));
        assert!(
            !svg.contains(|c: char| c.is_control() && c != '\n'),
            "{name}: {file}"
        );
    }
    check_page(text_of(&report, "index.html"));
    report
}

/// Nothing on the page is loaded from elsewhere, and its only scripts are its own: the numbers and what
/// draws them.
fn check_page(page: &str) {
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    let (before, after) = page
        .split_once("<script type=\"application/json\" id=\"sweep\">")
        .unwrap();
    let (json, _) = after.split_once("</script>").unwrap();
    serde_json::from_str::<serde_json::Value>(json).unwrap();
    for (place, _) in before.match_indices(" src=\"") {
        assert!(before[place..].starts_with(" src=\"data:image/svg+xml,"));
    }
    for address in ["src=\"http", "href=\"http", "url(", "@import"] {
        assert!(!before.contains(address), "{address}");
    }
}

fn check_png(name: &str, bytes: &[u8]) -> (u32, u32) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let (width, height) = {
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height)
    };
    assert!(
        (1_000..6_000).contains(&width) && (400..6_000).contains(&height),
        "{name}"
    );
    let mut inked = 0;
    for (place, pixel) in pixels.chunks(3).enumerate() {
        let (x, y) = (place as u32 % width, place as u32 / width);
        if pixel != [255; 3] {
            inked += 1;
            let is_inside =
                (BORDER..width - BORDER).contains(&x) && (BORDER..height - BORDER).contains(&y);
            assert!(is_inside, "{name}: ink at ({x}, {y}) of {width} x {height}");
        }
    }
    assert!(inked > 2_000, "{name} is all but empty");
    (width, height)
}

#[test]
fn an_ordinary_sweep_has_every_part_and_the_same_one_every_time() {
    let report = drawn("genres", &genres());
    assert_eq!(report.left_out, Vec::<String>::new());
    insta::assert_snapshot!(names(&report).join("\n"));
    insta::assert_snapshot!("best.csv", text_of(&report, "best.csv"));
    insta::assert_snapshot!("axes.csv", text_of(&report, "axes.csv"));
    let few = |name: &str| -> String {
        text_of(&report, name)
            .lines()
            .take(6)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!("trials.csv", few("trials.csv"));
    insta::assert_snapshot!("curves.csv", few("curves.csv"));
    insta::assert_snapshot!("confusion.csv", few("confusion.csv"));
    insta::assert_snapshot!("importance.csv", few("importance.csv"));
    let page = text_of(&report, "index.html");
    let (before, after) = page.split_once("<h1>").unwrap();
    assert!(before.len() > 1_000);
    insta::assert_snapshot!("page", after.split_once("<figure>").unwrap().0);
    assert_eq!(make(&genres()).unwrap(), report);
}

#[test]
fn a_winner_at_the_zero_line_is_warned_about_wherever_it_is_ranked() {
    let mut input = imbalanced();
    let report = drawn("imbalanced", &input);
    let page = text_of(&report, "index.html");
    let warned = "The best configuration is not clearly better than a model that always predicts the most frequent class (0)";
    assert!(page.contains(warned));
    assert!(page.contains("<tr class=\"zero\"><td>–</td><td class=\"text\">majority class</td>"));
    assert!(text_of(&report, "best_trials.svg").contains("majority class: 0.8500"));
    assert!(names(&report).contains(&"dummy.csv"));
    // A loss far above the zero line of its own.
    minimise_loss(&mut input);
    for (place, trial) in input.experiment.trials.iter_mut().enumerate() {
        trial.best = Some(0.1 + 0.001 * place as f64);
    }
    let report = drawn("far_above", &input);
    assert!(!text_of(&report, "index.html").contains("is not clearly better"));
    let svg = text_of(&report, "best_trials.svg");
    assert!(
        svg.contains("class frequencies: 0.4227 (outside this figure)"),
        "{svg}"
    );
    // Without the prepared data nothing is said of it.
    input.dummy = None;
    let report = make(&input).unwrap();
    assert!(!names(&report).contains(&"dummy.csv"));
    assert!(!text_of(&report, "index.html").contains("class=\"zero\""));
}

#[test]
fn a_learning_curve_and_a_transfer_are_shown_and_ranked_on_all_rows_alone() {
    let input = transferred();
    let report = drawn("transfer", &input);
    assert_eq!(report.left_out, Vec::<String>::new());
    for name in [
        "learning_curve.png",
        "learning_curve.svg",
        "transfer.png",
        "transfer.svg",
    ] {
        assert!(names(&report).contains(&name), "{name}");
    }
    // Three ways to begin and a forest, each on all rows.
    assert_eq!(report.summary.ranking.len(), 4);
    assert!(
        report
            .summary
            .ranking
            .iter()
            .all(|config| config.planned == 3)
    );
    let labels: Vec<&str> = report
        .summary
        .ranking
        .iter()
        .map(|config| config.label.as_str())
        .collect();
    insta::assert_snapshot!(labels.join("\n"));
    insta::assert_snapshot!("learning_curve.csv", text_of(&report, "learning_curve.csv"));
    insta::assert_snapshot!("transfer.csv", text_of(&report, "transfer.csv"));
    let page = text_of(&report, "index.html");
    let (_, after) = page.split_once("<h2>Transfer learning</h2>").unwrap();
    insta::assert_snapshot!("page_transfer", after.split_once("<figure>").unwrap().0);
}

#[test]
fn gains_are_those_of_pairs_with_the_interval_of_student() {
    let mut input = transferred();
    let of = |trial: &sweep_store::TrialRecord, name: &str| {
        let found = trial.params.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.to_string())
    };
    // From scratch .50, .60, .70; transferred .51, .63, .72: gains .01, .03, .02.
    for trial in &mut input.experiment.trials {
        let values = match (of(trial, "init").as_deref(), of(trial, "freeze").as_deref()) {
            (Some("scratch"), _) => [0.5, 0.6, 0.7],
            (Some("transfer"), Some("0")) => [0.51, 0.63, 0.72],
            _ => [0.1, 0.2, 0.3],
        };
        trial.best = Some(values[trial.seed as usize - 1]);
    }
    // A seed without its pair does not count.
    let alone = input.experiment.trials.iter_mut().find(|trial| {
        trial.seed == 3
            && of(trial, "train_fraction").as_deref() == Some("0.1")
            && of(trial, "init").as_deref() == Some("scratch")
    });
    stop(alone.unwrap(), Status::Failed, "gone");
    let summary = Summary::of(&input.experiment);
    let pairings = transfer::all(&input.experiment, &summary);
    let points = &pairings[0].points;
    assert_eq!(points.len(), 3);
    // scipy 1.17: stats.t.interval(.95, 2, .02, stats.sem([.01, .03, .02]))
    let (low, high) = points[2].interval.unwrap();
    assert!((low - -0.004_841_377).abs() < 1e-6, "{low}");
    assert!((high - 0.044_841_377).abs() < 1e-6, "{high}");
    assert_eq!(points[0].gain.n, 2);
    assert_eq!(
        transfer_text::sentence(&points[2], &summary.objective),
        "With all training rows (19,700, 3,600 of them not seen by the source model): \
         +2.0 points [-0.5, +4.5] over 3 pairs: not significant."
    );
    // Where lower is better, a gain is a loss that fell.
    minimise_loss(&mut input);
    let summary = Summary::of(&input.experiment);
    let pairings = transfer::all(&input.experiment, &summary);
    let frozen = pairings.iter().find(|pairing| {
        let params = &pairing.transferred.params;
        params
            .iter()
            .any(|(key, value)| key == "freeze" && value.to_string() == "2")
    });
    assert!(frozen.unwrap().points[2].gain.mean > 0.39);
}

#[test]
fn a_single_trial_of_a_single_epoch_is_a_report() {
    let mut input = empty(&["no", "yes"]);
    add(&mut input, Kind::MLP, &[], 1, 0.5, 1);
    let report = drawn("one", &input);
    assert_eq!(report.left_out, Vec::<String>::new());
    assert!(names(&report).contains(&"learning_curves.png"));
    assert!(!names(&report).contains(&"axes.csv"));
    assert_eq!(
        wanted(&input.experiment),
        [input.experiment.trials[0].id.clone()]
    );
}

#[test]
fn baselines_alone_are_a_report() {
    let mut input = empty(&["no", "yes"]);
    add(&mut input, Kind::XGBOOST, &[], 1, 0.5, 1);
    add(&mut input, Kind::RANDOM_FOREST, &[], 1, 0.5, 0);
    let report = drawn("baselines", &input);
    assert_eq!(report.left_out, Vec::<String>::new());
    assert!(!names(&report).contains(&"learning_curves.png"));
}

#[test]
fn a_sweep_without_results_says_so() {
    let mut input = empty(&["no", "yes"]);
    add(&mut input, Kind::MLP, &[], 1, 0.5, 1);
    add(&mut input, Kind::XGBOOST, &[], 1, 0.5, 1);
    stop(&mut input.experiment.trials[0], Status::Pending, "");
    stop(
        &mut input.experiment.trials[1],
        Status::Failed,
        "worker killed by signal 9",
    );
    let report = drawn("nothing", &input);
    assert_eq!(
        report.left_out,
        ["All plots: no trial of the plan has finished yet."]
    );
    let page = text_of(&report, "index.html");
    assert!(page.contains("No trial of the plan has finished yet."));
    assert!(page.contains("worker killed by signal 9"));
    assert!(wanted(&input.experiment).is_empty());
    make(&empty(&[])).unwrap();
}

#[test]
fn what_the_database_lacks_is_named() {
    let mut input = genres();
    input.curves.clear();
    input.confusion.clear();
    input.importance.clear();
    let report = drawn("poor", &input);
    insta::assert_snapshot!(report.left_out.join("\n"));
}

#[test]
fn two_hundred_configurations_over_twelve_axes_fit() {
    let mut input = empty(&["no", "yes"]);
    let long = "x".repeat(60);
    for place in 0..200 {
        let params = (0..12_usize)
            .map(|axis| {
                let value = match axis {
                    0 => Value::Int(place as i64),
                    1 => Value::Text(format!("{long}{}", place % 7)),
                    axis => Value::Float((place * axis % 23 % 3) as f64 / 7.0),
                };
                (format!("a_setting_with_a_long_name_{axis}"), value)
            })
            .collect();
        let best = 0.3 + (place * 37 % 200) as f64 / 500.0;
        input.experiment.trials.push(by_hand(place, params, best));
    }
    let report = drawn("crowd", &input);
    assert_eq!(report.summary.axes.len(), 12);
    assert_eq!(report.summary.ranking.len(), 200);
    assert_eq!(report.left_out.len(), 2);
}

#[test]
fn ten_thousand_trials_are_a_page_of_a_few_megabytes() {
    let report = drawn("ten_thousand", &crowd(10_000));
    assert_eq!(report.summary.ranking.len(), 10_000);
    let page = text_of(&report, "index.html");
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
}

#[test]
fn one_trial_is_a_page_without_comparisons() {
    let mut input = empty(&["no", "yes"]);
    add(&mut input, Kind::MLP, &[], 1, 0.5, 1);
    let report = drawn("alone", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains("There is no other configuration to compare it with."));
    assert!(!page.contains("<section id=\"parallel\""));
    assert!(page.contains("<section id=\"reproduce\""));
}

#[test]
fn numbers_that_are_not_finite_or_huge_or_constant_are_drawn_or_left_out() {
    let mut input = empty(&["no", "yes"]);
    minimise_loss(&mut input);
    for seed in 1..=3 {
        add(
            &mut input,
            Kind::MLP,
            &[("lr", Value::Float(0.1))],
            seed,
            1.0,
            12,
        );
        add(
            &mut input,
            Kind::MLP,
            &[("lr", Value::Float(1.0))],
            seed,
            1e30,
            12,
        );
        add(&mut input, Kind::XGBOOST, &[], seed, 0.7, 9);
    }
    for (place, trial) in input.experiment.trials.iter().enumerate() {
        for curve in input.curves.get_mut(&trial.id).unwrap() {
            for (step, value) in &mut curve.points {
                *value = match (place % 3, *step) {
                    (0, 5) => f64::NAN,
                    (0, 8) => f64::INFINITY,
                    (1, 9) => 1e30,
                    (2, _) => 0.25,
                    _ => *value,
                };
            }
        }
    }
    drawn("odd", &input);

    for curve in input.curves.values_mut().flatten() {
        for (_, value) in &mut curve.points {
            *value = f64::NAN;
        }
    }
    let report = drawn("nan", &input);
    assert_eq!(report.left_out.len(), 2, "{:?}", report.left_out);
}

#[test]
fn names_from_data_neither_break_the_page_nor_begin_a_formula() {
    let long = "日本語のとても長い名前".repeat(6);
    let classes = [
        "<script>alert(1)</script>",
        "a\nb\tc\u{7}",
        "=1+1",
        "naïve \u{202e}x",
        &long,
    ];
    let mut input = empty(&classes);
    add(&mut input, Kind::XGBOOST, &[], 1, 0.5, 3);
    for (name, _) in input.importance.values_mut().flatten() {
        *name = format!("@{name}<img src=x onerror=alert(1)>");
    }
    input.experiment.name = "<b>bold</b> & co".to_owned();
    input.experiment.dataset.notes = vec!["<script>alert(2)</script>".to_owned()];
    let report = drawn("names", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains("<h1>&lt;b&gt;bold&lt;/b&gt; &amp; co</h1>"));
    assert!(!page.contains("<img src=x"));
    let confusion = text_of(&report, "confusion.csv");
    assert!(confusion.contains(",'=1+1,"), "{confusion}");
    assert!(!confusion.contains(",=1+1,"));
    assert!(text_of(&report, "importance.csv").contains(",'@feature_2<img"));
}

#[test]
fn many_classes_are_colours_and_too_many_are_left_out() {
    for (number, is_drawn) in [(1, true), (20, true), (25, true), (300, true), (301, false)] {
        let names: Vec<String> = (0..number).map(|class| format!("class {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut input = empty(&names);
        add(&mut input, Kind::MLP, &[], 1, 0.5, 2);
        for row in input
            .confusion
            .values_mut()
            .flat_map(|rows| rows.iter_mut().take(1))
        {
            row.fill(0);
        }
        let report = drawn(&format!("classes{number}"), &input);
        // A picture that is large is beside the page and not in it.
        assert!(text_of(&report, "index.html").len() < 1_500_000);
        assert_eq!(
            names_contain(&report, "confusion.png"),
            is_drawn,
            "{number}"
        );
        assert_eq!(report.left_out.len(), usize::from(!is_drawn));
    }
}

fn names_contain(report: &Report, name: &str) -> bool {
    names(report).contains(&name)
}

#[test]
fn a_mean_over_lucky_seeds_does_not_win() {
    let mut input = empty(&["no", "yes"]);
    for seed in 1..=3 {
        add(
            &mut input,
            Kind::MLP,
            &[("lr", Value::Float(0.1))],
            seed,
            0.9,
            2,
        );
        add(
            &mut input,
            Kind::MLP,
            &[("lr", Value::Float(0.01))],
            seed,
            0.6,
            2,
        );
    }
    let lucky = input.experiment.trials[0].config.clone();
    assert_eq!(Summary::of(&input.experiment).ranking[0].id, lucky);
    stop(
        &mut input.experiment.trials[2],
        Status::Diverged,
        "loss was not finite at epoch 1",
    );
    let summary = Summary::of(&input.experiment);
    assert_eq!(summary.ranking[1].id, lucky);
    assert_eq!(summary.ranking[1].diverged, 1);
}

#[test]
fn the_page_knows_the_same_columns() {
    let script = include_str!("page/script/sweep.js");
    let (_, list) = script.split_once("const VOCABULARY = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let names: Vec<&str> = list
        .split(',')
        .map(|name| name.trim().trim_matches('\''))
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, sweep_analysis::query_fields::COLUMNS);
}
