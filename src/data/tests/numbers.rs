//! Targets that are numbers, and weights of rows.

use super::{Case, shown};
use crate::{Dataset, FittedField, HeldOutTest, NumberTarget};
use sweep_core::data_config::{CategoryEncoding, TargetTransform};
use sweep_core::trial::Task;

/// Rows of `a,kind,w,class`, the target being 10 times the row, and half.
fn table(rows: usize) -> String {
    let mut text = "a,kind,w,class\n".to_owned();
    for row in 0..rows {
        let kind = ["x", "y", "z"][row % 3];
        text.push_str(&format!(
            "{},{kind},{},{}.5\n",
            row * row % 101,
            row % 4,
            10 * row
        ));
    }
    text
}

fn number(case: &Case) -> NumberTarget {
    case.prepared().meta.number.unwrap()
}

#[test]
fn a_target_of_many_numbers_is_predicted_as_one() {
    let case = Case::new(table(100));
    let prepared = case.prepared();
    assert_eq!(prepared.meta.task(), Task::Regression);
    assert!(prepared.meta.classes.is_empty() && prepared.meta.outputs() == 1);
    let notes: Vec<&str> = prepared
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("so the task is regression")),
        "{notes:?}"
    );

    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    let mut all: Vec<f32> = Vec::new();
    for rows in [data.train(), data.valid(), test.rows()] {
        all.extend(rows.y.numbers().unwrap());
        // Every tenth of the target stands in every split.
        for tenth in 0..10u32 {
            let range = tenth as f32 * 100.0..(tenth + 1) as f32 * 100.0;
            assert!(
                rows.y
                    .numbers()
                    .unwrap()
                    .iter()
                    .any(|number| range.contains(number))
            );
        }
    }
    all.sort_by(f32::total_cmp);
    let expected: Vec<f32> = (0..100).map(|row| row as f32 * 10.0 + 0.5).collect();
    assert_eq!(all, expected);
    let train = data.train().y.numbers().unwrap();
    let mean = train.iter().map(|number| f64::from(*number)).sum::<f64>() / train.len() as f64;
    assert!((prepared.meta.number.unwrap().mean - mean).abs() < 1e-9);
    let [low, _, high] = prepared.summary.splits[0].numbers.unwrap();
    assert!(low >= 0.5 && high <= 990.5 && prepared.summary.splits[0].per_class.is_empty());
}

#[test]
fn the_task_may_be_said_and_what_it_is_decides_the_name_of_the_data() {
    let months: String = (0..400)
        .map(|row| format!("{}.5,{}\n", row * row % 101, row % 40))
        .collect();
    let case =
        |task: Option<Task>| Case::new(format!("a,class\n{months}")).with(|spec| spec.task = task);
    let found = case(None).prepared();
    assert_eq!(
        (found.meta.task(), found.meta.classes.len()),
        (Task::Classification, 40)
    );
    let told = found
        .summary
        .notes
        .iter()
        .any(|note| note.text.contains("`task = \"regression\"`"));
    assert!(told, "{:?}", found.summary.notes);
    let asked = case(Some(Task::Classification)).prepared();
    assert_eq!(asked.meta.digest, found.meta.digest);
    let numbers = case(Some(Task::Regression)).prepared();
    assert_ne!(numbers.meta.digest, found.meta.digest);
    let logs =
        case(Some(Task::Regression)).with(|spec| spec.target_transform = TargetTransform::Log1p);
    assert_ne!(logs.prepared().meta.digest, numbers.meta.digest);
}

#[test]
fn numbers_are_read_as_people_write_them_and_learned_as_is_asked() {
    let rows: String = (1..=60)
        .map(|row| format!("{};1.{:03},5 \u{20ac}\n", row * 7 % 31, row * 3))
        .collect();
    let case = Case::new(format!("a;class\n{rows}"));
    let data = Dataset::open(&case.prepared().path).unwrap();
    let numbers = data.train().y.numbers().unwrap();
    assert!(
        numbers
            .iter()
            .all(|number| *number > 1000.0 && number.fract() == 0.5),
        "{numbers:?}"
    );

    let logs = Case::new(table(60)).with(|spec| spec.target_transform = TargetTransform::Log);
    let number = number(&logs);
    assert!(number.mean > 3.0 && number.mean < 6.5, "{number:?}");
}

#[test]
fn what_is_no_number_is_refused_with_its_line() {
    let with = |rows: &str| Case::new(format!("{}{rows}", table(40)));
    let regression = |case: Case| case.with(|spec| spec.task = Some(Task::Regression));
    let log = |case: Case| {
        case.with(|spec| {
            spec.task = Some(Task::Regression);
            spec.target_transform = TargetTransform::Log;
        })
    };
    let weighted = |case: Case| case.with(|spec| spec.weight = Some("w".to_owned()));
    let all = [
        regression(with("1,x,1,many\n2,y,1,12.5\n3,z,1,lots\n")),
        log(with("1,x,1,0\n")),
        log(with("1,x,1,-3\n")),
        regression(Case::new("a,class\n1,x\n5,y\n3,z\n4,x\n")),
        regression(Case::new("a,class\n1,5\n5,5\n3,5\n4,5\n")),
        weighted(with("1,x,-1,2.5\n")),
        weighted(with("1,x,,2.5\n")),
        weighted(with("1,x,heavy,2.5\n")),
        weighted(with("1,x,1e39,2.5\n")),
        weighted(Case::new("a,w,class\n1,0,5\n5,0,6\n3,0,7\n4,0,8\n")),
    ];
    let told: String = all.iter().map(|case| shown(&case.errors())).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn weights_go_with_the_training_rows_and_are_no_feature() {
    let case = Case::new(table(100)).with(|spec| spec.weight = Some("w".to_owned()));
    let prepared = case.prepared();
    assert!(!prepared.meta.features.contains(&"w".to_owned()));
    let data = Dataset::open(&prepared.path).unwrap();
    let weights = data.train().weights.unwrap();
    for (weight, source) in weights.iter().zip(data.train_source()) {
        assert_eq!(*weight, ((source - 1) % 4) as f32);
    }
    assert!(data.valid().weights.is_none());
    let share = data.with_share(1, 0.5);
    let (part, numbers) = (
        share.train().weights.unwrap(),
        share.train().y.numbers().unwrap(),
    );
    for (weight, number) in part.iter().zip(numbers) {
        assert_eq!(*weight, ((number - 0.5) / 10.0) % 4.0);
    }
    let without = Case::new(table(100))
        .with(|spec| spec.drop = vec!["w".to_owned()])
        .prepared();
    assert_ne!(without.meta.digest, prepared.meta.digest);
}

#[test]
fn rows_can_be_excluded_by_their_weights() {
    let rows = table(40);
    let plain = Case::new(rows.clone()).with(|spec| spec.weight = Some("w".to_owned()));
    let excluded = Case::new(format!("{rows}1,x,-1,2.5\n")).with(|spec| {
        spec.weight = Some("w".to_owned());
        spec.exclude = [("w".to_owned(), vec!["-1".to_owned()])].into();
    });
    let weights = |case: &Case| {
        let data = Dataset::open(&case.prepared().path).unwrap();
        data.train().weights.unwrap().to_vec()
    };
    assert_eq!(weights(&excluded), weights(&plain));
}

#[test]
fn target_statistics_of_numbers_are_smoothed_means_out_of_fold() {
    let case = Case::new(table(300)).with(|spec| {
        spec.categorical = Some(vec!["kind".to_owned()]);
        spec.categories.encoding = CategoryEncoding::Target;
    });
    let prepared = case.prepared();
    assert!(prepared.meta.features.contains(&"kind:target".to_owned()));
    let data = Dataset::open(&prepared.path).unwrap();
    let fields = &prepared.meta.preprocessor.fields;
    let field = fields
        .iter()
        .find(|field| field.column() == "kind")
        .unwrap();
    let FittedField::Target {
        categories,
        frequencies,
        overall,
        ..
    } = field
    else {
        panic!("{field:?}");
    };
    let rows = || {
        data.train_source()
            .iter()
            .zip(data.train().y.numbers().unwrap())
    };
    let mean = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
    let all: Vec<f32> = rows().map(|(_, number)| *number).collect();
    let of_all = mean(&all) / all.len() as f64;
    assert!((overall[0] - of_all).abs() < 1e-9);
    for (level, found) in categories.iter().zip(frequencies) {
        let is_of = |row: &u32| ["x", "y", "z"][((row - 1) % 3) as usize] == level;
        let own: Vec<f32> = rows()
            .filter(|(row, _)| is_of(row))
            .map(|(_, number)| *number)
            .collect();
        let expected = (mean(&own) + 20.0 * of_all) / (own.len() as f64 + 20.0);
        assert!(
            (found - expected).abs() < 1e-9,
            "{level}: {found} {expected}"
        );
    }
}
