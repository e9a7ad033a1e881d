"""Exports the genre task as raw arrays for `cargo bench --bench trees`, and takes Python's CPU time on the same rows.

    OMP_WAIT_POLICY=passive python benches/real_data.py data/spotify_songs.csv FOLDER

Split 60/20/20 by a hash of the track, so that no track stands on two sides. Writes {train,valid,test}.x
(little-endian float32, row-major) and .y (uint32).
"""

import hashlib
import pathlib
import sys
import time

import numpy
import pandas
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss

NUMERIC = (
    "danceability energy key loudness mode speechiness acousticness instrumentalness liveness valence tempo "
    "duration_ms track_popularity"
).split()

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
songs = pandas.read_csv(source)
songs = songs[songs.playlist_genre != "edm"]
x = songs[NUMERIC].astype("float32")
x["year"] = songs.track_album_release_date.str[:4].astype("float32")
x = x.to_numpy("<f4")
y = songs.playlist_genre.astype("category").cat.codes.to_numpy("<u4")
place = songs.track_id.map(lambda track: int(hashlib.sha256(track.encode()).hexdigest()[:8], 16) / 2**32)
side = numpy.digitize(place, [0.6, 0.8])
sides = {}
for number, name in enumerate(["train", "valid", "test"]):
    sides[name] = x[side == number], y[side == number]
    sides[name][0].tofile(folder / f"{name}.x")
    sides[name][1].tofile(folder / f"{name}.y")

train, valid, test = sides["train"], sides["valid"], sides["test"]
for seed in range(3):
    began = time.process_time()
    forest = RandomForestClassifier(300, max_depth=20, n_jobs=1, random_state=seed).fit(*train)
    seconds = time.process_time() - began
    print(
        f"scikit-learn forest, seed {seed}: {seconds:.2f} CPU-s,",
        f"valid {forest.score(*valid):.4f} (loss {log_loss(valid[1], forest.predict_proba(valid[0])):.4f}),",
        f"test {forest.score(*test):.4f},",
        f"leaves {sum(tree.get_n_leaves() for tree in forest.estimators_)}",
    )
for depth in (5, 10):
    for seed in range(3):
        settings = {
            "objective": "multi:softprob",
            "num_class": int(y.max()) + 1,
            "tree_method": "hist",
            "nthread": 1,
            "eta": 0.1,
            "subsample": 0.9,
            "max_depth": depth,
            "eval_metric": ["mlogloss", "merror"],
            "seed": seed,
        }
        began = time.process_time()
        rows = xgboost.DMatrix(train[0], train[1]), xgboost.DMatrix(valid[0], valid[1])
        booster = xgboost.train(
            settings,
            rows[0],
            300,
            evals=[(rows[0], "train"), (rows[1], "valid")],
            early_stopping_rounds=20,
            verbose_eval=False,
        )
        seconds = time.process_time() - began
        best = (0, booster.best_iteration + 1)
        guess = booster.predict(xgboost.DMatrix(test[0]), iteration_range=best).argmax(1)
        print(
            f"xgboost {xgboost.__version__} depth {depth}, seed {seed}: {seconds:.2f} CPU-s,",
            f"{booster.num_boosted_rounds()} rounds, best {best[1]}, valid {1 - booster.best_score:.4f},",
            f"test {accuracy_score(test[1], guess):.4f}",
        )
