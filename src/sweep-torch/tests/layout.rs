//! How the parameters of lanes lie in a group.

use sweep_engine::models::mlp::trial_state::Named;

use crate::layout::Layout;

fn tensors() -> Vec<Named> {
    let tensor = |name: &str, shape: &[usize], running: bool| Named {
        name: name.to_owned(),
        shape: shape.to_vec(),
        running,
    };
    vec![
        tensor("layers.0.linear.weight", &[2, 1], false),
        tensor("layers.0.norm.weight", &[2], false),
        tensor("layers.0.norm.running_mean", &[2], true),
        tensor("output.weight", &[1, 2], false),
        tensor("output.bias", &[1], false),
    ]
}

#[test]
fn numbers_of_normalisations_come_last_and_are_zero_where_a_lane_has_none() {
    let layout = Layout::new(&tensors(), true);
    assert_eq!(layout.sizes(), [2, 2, 1, 2]);
    assert_eq!(
        [0, 1, 2, 3].map(|place| layout.place_of(place)),
        [0, 3, 1, 2]
    );
    let normalising = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let all = layout.gather(&normalising, true);
    assert_eq!(all, [1.0, 2.0, 5.0, 6.0, 7.0, 3.0, 4.0]);
    assert_eq!(layout.scatter(&all, true), normalising);
    let plain = [1.0, 2.0, 5.0, 6.0, 7.0];
    let all = layout.gather(&plain, false);
    assert_eq!(all, [1.0, 2.0, 5.0, 6.0, 7.0, 0.0, 0.0]);
    assert_eq!(layout.scatter(&all, false), plain);
    assert!(layout.gather(&[], false).is_empty());
}

#[test]
fn lanes_that_are_all_alike_keep_their_own_order() {
    let layout = Layout::new(&tensors(), false);
    let own = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(layout.gather(&own, true), own);
    assert_eq!(layout.scatter(&own, true), own);
}
