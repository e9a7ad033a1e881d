//! Splits by time and by a column that names the sides, from file to rows.

use super::{Case, names, shown};
use crate::{Dataset, HeldOutTest};
use sweep_core::data_config::{DataSpec, DateSpec};
use sweep_core::split_spec::SplitBy;

fn by_time(column: &str, format: Option<&str>) -> impl FnOnce(&mut DataSpec) {
    let by = SplitBy::Time {
        column: column.to_owned(),
        format: format.map(str::to_owned),
        gap: 0,
    };
    move |spec| {
        spec.split.by = by;
        spec.split.stratify = false;
    }
}

fn by_column(spec: &mut DataSpec) {
    spec.split.by = SplitBy::Column("fold".to_owned());
    spec.numeric = Some(names(&["x"]));
    spec.split.stratify = false;
}

/// Rows of the file by side, from 1.
fn rows(case: &Case) -> [Vec<u32>; 3] {
    let prepared = case.prepared();
    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    [
        data.train_source().to_vec(),
        data.valid_source().to_vec(),
        test.source().to_vec(),
    ]
}

/// Ten rows, `when` in the order of `times`.
fn timed(times: [&str; 10]) -> Case {
    let mut text = "when,x,class\n".to_owned();
    for (row, time) in times.iter().enumerate() {
        text.push_str(&format!("\"{time}\",{row}.5,{}\n", ["no", "yes"][row % 2]));
    }
    Case::new(text).with(|spec| {
        spec.dates = None;
        spec.numeric = Some(names(&["x"]));
    })
}

#[test]
fn rows_are_split_in_the_order_of_any_kind_of_time() {
    // Each column names the same order: the last row comes first.
    let columns: [(&str, [&str; 10]); 6] = [
        (
            "iso",
            [
                "2024-02-01",
                "2024-01-31",
                "2023-12-01T09:30:00",
                "2023-12-01T09:29:59",
                "2023-11-30",
                "2023-05-01",
                "2022-12-12",
                "2022-12-11",
                "2021-01-01",
                "1969-01-01",
            ],
        ),
        (
            "%d.%m.%y",
            [
                "01.02.24", "31.01.24", "30.12.23", "01.12.23", "02.11.23", "03.05.23", "31.12.22",
                "04.12.22", "31.01.21", "01.01.21",
            ],
        ),
        (
            "months",
            [
                "2024-02", "2024-01", "2023-12", "2023-11", "2023-10", "2023-02", "2022-12",
                "2022-11", "2021-12", "1969-01",
            ],
        ),
        (
            "years",
            [
                "2024", "2023", "2022", "2021", "2020", "1999", "1998", "1997", "1996", "1871",
            ],
        ),
        (
            "numbers",
            [
                "1000", "999", "98.5", "98.25", "10", "9", "8", "0.5", "0", "-3",
            ],
        ),
        (
            "written out",
            [
                "April 2, 2024",
                "January 31, 2024",
                "December 1, 2023",
                "November 30, 2023",
                "October 1, 2023",
                "May 2, 2023",
                "May 1, 2023",
                "April 30, 2023",
                "August 1, 2021",
                "July 9, 2021",
            ],
        ),
    ];
    for (name, times) in columns {
        let case = timed(times).with(by_time("when", None));
        let prepared = case.prepared();
        assert_eq!(
            rows(&case),
            [vec![5, 6, 7, 8, 9, 10], vec![3, 4], vec![1, 2]],
            "{name}"
        );
        // It is no feature unless it is named as one.
        assert_eq!(prepared.meta.features, ["x"], "{name}");
        let notes: Vec<&str> = prepared
            .summary
            .notes
            .iter()
            .map(|note| note.text.as_str())
            .collect();
        let until = format!(
            "validation rows until `{}`, test rows until `{}`",
            times[2], times[0]
        );
        assert!(notes.iter().any(|note| note.contains(&until)), "{notes:?}");
    }
}

#[test]
fn dates_that_are_read_both_ways_take_their_format_from_split_or_from_date() {
    let times = [
        "01/02/2024",
        "01/03/2024",
        "02/01/2024",
        "02/04/2024",
        "03/01/2024",
        "03/05/2024",
        "04/01/2024",
        "05/06/2024",
        "06/02/2024",
        "07/01/2024",
    ];
    let errors = timed(times).with(by_time("when", None)).errors();
    assert!(
        shown(&errors).contains("time_format = \"%m/%d/%Y\""),
        "{}",
        shown(&errors)
    );
    let american = timed(times).with(by_time("when", Some("%m/%d/%Y")));
    assert_eq!(rows(&american)[2], [9, 10]);
    let european = timed(times).with(by_time("when", None)).with(|spec| {
        spec.dates = Some(vec![DateSpec {
            column: "when".to_owned(),
            format: Some("%d/%m/%Y".to_owned()),
            parts: Vec::new(),
            cyclic: false,
        }]);
    });
    assert_eq!(rows(&european)[2], [6, 8]);
    // Named as a date, it is a feature as well.
    assert!(
        european
            .prepared()
            .meta
            .features
            .iter()
            .any(|name| name == "when.month")
    );
}

#[test]
fn a_column_names_the_side_of_each_row() {
    let text = |last: &str| {
        format!(
            "fold,x,class\ntrain,1,no\ntrain,2,yes\nvalid,3,no\nTest,4,yes\n validation ,5,yes\n\
             training,6,no\ntest,7,no\n{last}"
        )
    };
    let case = Case::new(text("")).with(by_column);
    let prepared = case.prepared();
    assert_eq!(rows(&case), [vec![1, 2, 6], vec![3, 5], vec![4, 7]]);
    assert_eq!(prepared.meta.features, ["x"]);

    let errors = Case::new(text("tset,8,no\n")).with(by_column).errors();
    let shown_errors = shown(&errors);
    assert!(
        shown_errors.contains("`tset` names no side"),
        "{shown_errors}"
    );
    assert_eq!(
        (errors[0].line, errors[0].key.as_deref()),
        (Some(9), Some("data.split.column"))
    );
    // Excluded rows need not name one.
    let excluded = Case::new(text("tset,8,no\n"))
        .with(by_column)
        .with(|spec| spec.exclude = [("fold".to_owned(), names(&["tset"]))].into());
    assert_eq!(excluded.prepared().meta.digest, prepared.meta.digest);
}

#[test]
fn a_table_without_test_rows_may_name_none() {
    let text = "fold,x,class\ntrain,1,no\ntrain,2,yes\nvalid,3,no\nvalid,4,yes\n";
    let case = Case::new(text).with(by_column);
    assert_eq!(rows(&case), [vec![1, 2], vec![3, 4], vec![]]);
    let with_file = Case::new(text).with(by_column).test_file("x,class\n9,no\n");
    assert_eq!(rows(&with_file)[2], [1]);
}

#[test]
fn rows_without_time_are_refused_or_dropped() {
    let times = ["1", "2", "", "4", "5", "6", "7", "8", "9", "10"];
    let errors = timed(times).with(by_time("when", None)).errors();
    assert_eq!(errors[0].line, Some(4), "{}", shown(&errors));
    let drop = |spec: &mut DataSpec| {
        spec.missing.columns.insert(
            "when".to_owned(),
            sweep_core::data_config::MissingPolicy::Drop,
        );
    };
    let case = timed(times).with(by_time("when", None)).with(drop);
    assert_eq!(rows(&case)[2], [9, 10]);
    assert_eq!(case.prepared().summary.dropped, 1);
}

#[test]
fn a_group_is_whole_and_stands_where_its_latest_row_does() {
    let mut text = "when,who,x,class\n".to_owned();
    for row in 0..20 {
        let who = if row == 0 || row == 19 {
            "long"
        } else {
            ["a", "b", "c", "d"][row / 5]
        };
        text.push_str(&format!(
            "{row},{who}{},{row}.5,{}\n",
            row % 2 * usize::from(who != "long"),
            row / 2 % 2
        ));
    }
    let case = Case::new(text).with(by_time("when", None)).with(|spec| {
        spec.numeric = Some(names(&["x"]));
        spec.group = Some("who".to_owned());
    });
    let [train, valid, test] = rows(&case);
    assert!(test.contains(&1) && test.contains(&20), "{test:?}");
    let latest_train = train.iter().max().unwrap();
    assert!(valid.iter().max().unwrap() > latest_train);
    assert!(test.iter().max().unwrap() > valid.iter().max().unwrap());
}
