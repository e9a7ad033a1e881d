//! Columns that are taken as what they hold, and what becomes of them.

use super::{Case, names, table};
use crate::{Dataset, FittedField, HeldOutTest, Prepared};
use sweep_core::data_config::{
    CategoryEncoding, DatePart, DateSpec, MissingPolicy, Scale, UnknownLevels,
};

/// A case in which every column is found.
fn open(text: impl AsRef<[u8]>) -> Case {
    Case::new(text).with(|spec| {
        spec.categorical = None;
        spec.dates = None;
    })
}

fn role<'a>(prepared: &'a Prepared, name: &str) -> (&'static str, &'a str) {
    let columns = prepared.summary.columns.iter();
    let column = columns
        .into_iter()
        .find(|column| column.name == name)
        .unwrap();
    (column.role, &column.detail)
}

/// Features of all rows in the order of the file.
fn rows(prepared: &Prepared) -> Vec<Vec<f32>> {
    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    let width = prepared.meta.features.len();
    let mut rows: Vec<(u32, Vec<f32>)> = Vec::new();
    for (x, source) in [
        (data.train().x, data.train_source()),
        (data.valid().x, data.valid_source()),
        (test.rows().x, test.source()),
    ] {
        let each = source.iter().zip(x.chunks_exact(width));
        rows.extend(each.map(|(row, x)| (*row, x.to_vec())));
    }
    rows.sort_by_key(|(row, _)| *row);
    rows.into_iter().map(|(_, x)| x).collect()
}

#[test]
fn each_column_is_taken_as_what_it_holds_and_identifiers_are_left_out() {
    let mut text = "id,user_id,size,flag,colour,day,when,weight,title,class\n".to_owned();
    for row in 0..120 {
        let (colour, flag) = (
            ["red", "green", "blue"][row % 3],
            ["no", "yes"][row % 5 / 4],
        );
        text.push_str(&format!(
            "{},{},{},{flag},{colour},2019-0{}-1{},{}/{}/2014 10:0{},{}kg,a song of {row} words,{}\n",
            row + 1,
            7 * row * row + 3,
            row % 11,
            1 + row % 9,
            row % 10,
            13 + row % 15,
            1 + row % 12,
            row % 10,
            row % 100 + 50,
            ["a", "b"][row * 7 / 3 % 2]
        ));
    }
    let case = open(text);
    let prepared = case.prepared();
    assert_eq!(
        role(&prepared, "id"),
        ("not used", "it only counts the rows")
    );
    let wanted = "it is an identifier: nearly every row has a value of its own";
    assert_eq!(role(&prepared, "user_id"), ("not used", wanted));
    assert_eq!(role(&prepared, "size").0, "number");
    assert_eq!(role(&prepared, "flag"), ("binary", "0 is `no`"));
    assert_eq!(role(&prepared, "colour").0, "category");
    let parts = "iso: year, month, weekday, days";
    assert_eq!(role(&prepared, "day"), ("date", parts));
    let parts = "%d/%m/%Y %H:%M: year, month, weekday, days, hour";
    assert_eq!(role(&prepared, "when"), ("date", parts));
    assert!(role(&prepared, "weight").1.contains("numbers with a unit"));
    assert_eq!(
        role(&prepared, "title"),
        ("not used", "it holds text of 120 distinct values")
    );
    assert_eq!(
        prepared.meta.features,
        [
            "size",
            "day.month",
            "day.weekday",
            "day.days",
            "when.month",
            "when.weekday",
            "when.days",
            "flag=yes",
            "colour=blue",
            "colour=green",
            "colour=red"
        ]
    );
    let features = rows(&prepared);
    for (row, x) in features.iter().enumerate() {
        assert_eq!(x[7], f32::from(u8::from(row % 5 == 4)), "row {row}");
        assert_eq!(x[8..].iter().sum::<f32>(), 1.0, "row {row}");
    }
}

#[test]
fn dates_become_the_parts_asked_for_and_points_on_a_circle() {
    let mut text = "when,class\n".to_owned();
    for row in 0..60 {
        text.push_str(&format!(
            "{:02}/01/{}14,{}\n",
            1 + row % 12,
            19 + row % 2,
            ["a", "b"][row * 7 / 3 % 2]
        ));
    }
    let case = Case::new(text).with(|spec| {
        spec.scale = Scale::None;
        spec.dates = Some(vec![DateSpec {
            column: "when".to_owned(),
            format: Some("%m/%d/%Y".to_owned()),
            parts: vec![DatePart::Month, DatePart::Year],
            cyclic: true,
        }]);
    });
    let prepared = case.prepared();
    assert_eq!(
        prepared.meta.features,
        ["when.month.sin", "when.month.cos", "when.year"]
    );
    for (row, x) in rows(&prepared).iter().enumerate() {
        let angle = (row % 12) as f64 / 12.0 * std::f64::consts::TAU;
        assert!((f64::from(x[0]) - angle.sin()).abs() < 1e-6);
        assert!((f64::from(x[1]) - angle.cos()).abs() < 1e-6);
        assert_eq!(x[2], [1914.0, 2014.0][row % 2]);
    }
}

/// Sixty rows of a column of three levels, and of three classes.
fn three() -> String {
    let mut text = "x,class\n".to_owned();
    for row in 0..60 {
        let class = ["no", "yes", "maybe"][(row * 7 + row / 5) % 3];
        text.push_str(&format!("{},{class}\n", ["a", "b", "c"][row * row % 3]));
    }
    text
}

#[test]
fn target_statistics_are_those_of_scikit_learn_and_no_training_row_counts_for_itself() {
    // All sixty rows are training rows but for a test file and the least validation share.
    let case = Case::new(three()).with(|spec| {
        spec.categorical = Some(names(&["x"]));
        spec.categories.encoding = CategoryEncoding::Target;
        spec.scale = Scale::None;
    });
    let prepared = case.prepared();
    assert_eq!(prepared.meta.features, ["x:target=no", "x:target=yes"]);
    let [
        FittedField::Target {
            categories,
            frequencies,
            overall,
            ..
        },
    ] = &prepared.meta.preprocessor.fields[..]
    else {
        panic!("{:?}", prepared.meta.preprocessor);
    };
    let data = Dataset::open(&prepared.path).unwrap();
    let (labels, sources) = (data.train().y, data.train_source());
    let level_of = |source: &u32| ["a", "b", "c"][((source - 1) * (source - 1) % 3) as usize];
    let count = |holds: &dyn Fn(&str, u32) -> bool| {
        let rows = sources.iter().zip(labels.classes().unwrap());
        rows.filter(|(source, label)| holds(level_of(source), **label))
            .count() as f64
    };
    // (n_c + 20 f_c) / (n + 20), as TargetEncoder(smooth=20) has it.
    for (place, level) in categories.iter().enumerate() {
        for class in 1..3 {
            let share = count(&|_, label| label == class) / labels.len() as f64;
            assert!((share - overall[class as usize - 1]).abs() < 1e-12);
            let hits = count(&|own, label| own == level && label == class);
            let rows = count(&|own, _| own == level);
            let wanted = (hits + 20.0 * share) / (rows + 20.0);
            let found = frequencies[place * 2 + class as usize - 1];
            assert!(
                (found - wanted).abs() < 1e-12,
                "{level} {class}: {found} {wanted}"
            );
        }
    }
    // Without its own fold, a row's level is not what all rows say of it.
    let train = data.train();
    let differs = sources
        .iter()
        .zip(train.x.chunks_exact(2))
        .filter(|(source, x)| {
            let place = categories
                .iter()
                .position(|level| level == level_of(source))
                .unwrap();
            x[0] != frequencies[place * 2] as f32
        });
    assert!(differs.count() > labels.len() / 2);
    // Validation rows get what all training rows say.
    let valid = data
        .valid_source()
        .iter()
        .zip(data.valid().x.chunks_exact(2));
    for (source, x) in valid {
        let place = categories
            .iter()
            .position(|level| level == level_of(source))
            .unwrap();
        assert_eq!(x[1], frequencies[place * 2 + 1] as f32);
    }
}

#[test]
fn rare_levels_share_a_feature_and_unknown_ones_are_refused_if_asked() {
    let mut text = "x,class\n".to_owned();
    for row in 0..200 {
        let level = if row % 10 == 9 {
            format!("rare{row}")
        } else {
            ["p", "q"][row % 2].to_owned()
        };
        text.push_str(&format!("{level},{}\n", ["a", "b"][row * 7 / 3 % 2]));
    }
    let case = |unknown: UnknownLevels| {
        Case::new(text.clone()).with(|spec| {
            spec.categorical = Some(names(&["x"]));
            spec.categories.max_levels = Some(2);
            spec.categories.unknown = unknown;
        })
    };
    let zero = case(UnknownLevels::Zero);
    let prepared = zero.prepared();
    assert_eq!(prepared.meta.features, ["x=p", "x=q", "x=(other)"]);
    for (row, x) in rows(&prepared).iter().enumerate() {
        assert_eq!(x.iter().sum::<f32>(), 1.0);
        assert_eq!(x[2] == 1.0, row % 10 == 9, "row {row}");
    }
    let errors = case(UnknownLevels::Error).errors();
    assert!(
        errors[0]
            .message
            .contains("a category that no training row has"),
        "{errors:?}"
    );
    assert!(errors[0].line.is_some());
}

#[test]
fn missing_cells_become_levels_medians_and_indicators() {
    let text = table(60)
        .replace(",x,", ",,")
        .replace("\n1.5,", "\nNA,")
        .replace("\n4.5,", "\n?,")
        .replace("\n16.5,", "\n,");
    let case = |policy: MissingPolicy, indicator: bool| {
        open(text.clone()).with(|spec| {
            spec.missing.default = MissingPolicy::Impute;
            spec.missing.columns.insert("kind".to_owned(), policy);
            spec.missing.indicator = indicator;
        })
    };
    let level = case(MissingPolicy::Category, true);
    let prepared = level.prepared();
    let features = &prepared.meta.features;
    assert!(features.contains(&"a=(missing)".to_owned()), "{features:?}");
    assert!(
        features.contains(&"kind=(missing)".to_owned()),
        "{features:?}"
    );
    let at = |name: &str| features.iter().position(|own| own == name).unwrap();
    for (row, x) in rows(&prepared).iter().enumerate() {
        assert_eq!(x[at("kind=(missing)")] == 1.0, row % 3 == 0, "row {row}");
    }
    let missing: usize = rows(&prepared)
        .iter()
        .filter(|x| x[at("a=(missing)")] == 1.0)
        .count();
    assert!(missing > 0 && missing < 20, "{missing}");
    let imputed = case(MissingPolicy::Impute, false).prepared();
    assert!(
        !imputed
            .meta
            .features
            .iter()
            .any(|name| name.contains("(missing)"))
    );
    assert!(
        imputed
            .summary
            .imputed
            .iter()
            .any(|(column, cells)| column == "kind" && *cells == 20)
    );
}

#[test]
fn many_rows_left_out_are_a_warning_that_names_the_column() {
    let text = table(60).replace(",x,", ",,");
    let case = open(text).with(|spec| spec.missing.default = MissingPolicy::Drop);
    let prepared = case.prepared();
    let notes: Vec<String> = prepared
        .summary
        .notes
        .iter()
        .map(ToString::to_string)
        .collect();
    let wanted = "warning: 20 rows of 60 (33.3%) are left out because a cell is missing, most because \
                  of column `kind` (20 rows): leave the column out with `drop = [\"kind\"]`";
    assert!(
        notes.iter().any(|note| note.starts_with(wanted)),
        "{notes:#?}"
    );
}
