"""Makes the fixture that `describe` is checked against: a small table with missing values and ties, and what
NumPy, pandas, SciPy and scikit-learn say of it.

    python benches/oracle_describe.py tests/fixtures/describe
"""
import json
import sys

import numpy as np, pandas as pd, scipy, sklearn
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score
from sklearn.metrics.cluster import expected_mutual_information, contingency_matrix
out = sys.argv[1]
rng = np.random.default_rng(7)
n = 120
cls = rng.choice(["low", "mid", "high"], n, p=[.5, .3, .2])
shift = pd.Series(cls).map({"low": 0.0, "mid": 1.0, "high": 2.5}).to_numpy()
df = pd.DataFrame({
    "id": [f"t{v}" for v in rng.integers(0, 70, n)],
    "x": np.round(rng.normal(size=n) + shift, 3),
    "ties": rng.integers(0, 6, n) - 2,
    "skewed": np.round(np.exp(rng.normal(size=n) * 2) * 1e6, 1),
    "flat": 4.5,
    "colour": np.where(rng.random(n) < .4, cls, rng.choice(["red", "green"], n)),
    "released": [rng.choice(["2001", "1999-05", "2010-02-28", "2020-12-31"]) for _ in range(n)],
    "kind": cls,
})
df["x"] = df["x"].astype(object); df["ties"] = df["ties"].astype(object); df["colour"] = df["colour"].astype(object)
df.loc[rng.choice(n, 9, False), "x"] = "NA"
df.loc[rng.choice(n, 7, False), "ties"] = ""
df.loc[rng.choice(n, 4, False), "colour"] = ""
df.loc[rng.choice(n, 3, False), "kind"] = "NA"
df.loc[rng.choice(n, 2, False), "id"] = ""
alike = df.iloc[[5, 6, 7]].assign(kind="high", id="new")
df = pd.concat([df, df.iloc[[3, 3, 50]], alike], ignore_index=True)
df.to_csv(f"{out}/table.csv", index=False)

df = pd.read_csv(f"{out}/table.csv", keep_default_na=False, na_values=["", "NA"], dtype={"released": str})
df["year"] = df["released"].str[:4].astype(float)
num = {"x": "x", "ties": "ties", "skewed": "skewed", "flat": "flat", "released.year": "year"}
def none(v):
    v = float(v)
    return None if np.isnan(v) else v
def summary(s):
    q = s.quantile([.25, .5, .75]).to_list()
    return dict(count=int(s.count()), missing=int(s.isna().sum()), mean=none(s.mean()), sd=none(s.std()),
                min=none(s.min()), q1=q[0], median=q[1], q3=q[2], max=none(s.max()))
known = df[df.kind.notna()]
names = sorted(known.kind.unique())
exp = dict(columns={}, by_class={}, association={})
for name in ["id", "x", "ties", "skewed", "flat", "colour", "released", "kind"]:
    s = df[name]
    counts = s.value_counts()
    top = sorted(counts[counts == counts.max()].index)[0]
    entry = dict(distinct=int(s.nunique()), most=str(top), times=int(counts.max()), count=int(s.count()))
    if name in ("x", "ties", "skewed", "flat"):
        entry.update(summary(s)); entry["most"] = float(top)
    exp["columns"][name] = entry
for name, col in num.items():
    for c in names:
        exp["by_class"][f"{name}/{c}"] = summary(known.loc[known.kind == c, col])
m = df[list(num.values())]
clean = lambda frame: [[none(v) for v in row] for row in frame.to_numpy()]
exp["pearson"] = clean(m.corr()); exp["spearman"] = clean(m.corr(method="spearman"))
def bins(s):
    r = s.rank(method="average")
    return np.minimum(np.floor(16 * (r - .5) / len(s)), 15).astype(int)
def with_missing(y, x, is_number):
    """Measures on all rows with a class; missing cells are a value of their own."""
    codes = pd.Series(-1, index=x.index)
    there = x[x.notna()]
    codes[there.index] = bins(there) if is_number else pd.factorize(there)[0]
    cont = contingency_matrix(pd.factorize(y)[0], codes, sparse=True)
    mi, emi = mutual_info_score(y, codes), expected_mutual_information(cont, len(y))
    return dict(count=len(y), mutual_information=mi, chance=emi,
                uncertainty_coefficient=(mi - emi) / stats.entropy(y.value_counts()),
                adjusted_mutual_information=adjusted_mutual_info_score(y, codes))
for name in ["id", "x", "ties", "skewed", "flat", "colour", "released.year"]:
    col = num.get(name, name)
    both = known[known[col].notna()]
    y, x = both.kind, both[col]
    codes = bins(x) if name in num else pd.factorize(x)[0]
    cont = contingency_matrix(pd.factorize(y)[0], codes, sparse=True)
    mi, emi = mutual_info_score(y, codes), expected_mutual_information(cont, len(y))
    h = stats.entropy(y.value_counts())
    entry = dict(count=len(y), mutual_information=mi, chance=emi, explained=(mi - emi) / (h - emi))
    entry["with_missing"] = with_missing(known.kind, known[col], name in num)
    if name in num:
        groups = x.groupby(y); total = ((x - x.mean()) ** 2).sum()
        entry["eta_squared"] = none((groups.count() * (groups.mean() - x.mean()) ** 2).sum() / total) if total > 0 else None
    else:
        table = pd.crosstab(x, y)
        entry["cramers_v"] = stats.contingency.association(table, method="cramer")
        chi2 = stats.chi2_contingency(table, correction=False)[0]
        (r, c), k = table.shape, table.to_numpy().sum()
        phi = max(0, chi2 / k - (r - 1) * (c - 1) / (k - 1))
        rc, cc = r - (r - 1) ** 2 / (k - 1), c - (c - 1) ** 2 / (k - 1)
        entry["cramers_v_corrected"] = (phi / (min(rc, cc) - 1)) ** .5
    exp["association"][name] = entry
exp["entropy"] = stats.entropy(known.kind.value_counts())
exp["classes"] = {c: int((known.kind == c).sum()) for c in names}
raw = pd.read_csv(f"{out}/table.csv", keep_default_na=False, na_values=["", "NA"], dtype=str)
exp["repeated"] = int(raw.duplicated().sum())
exp["repeated_sets"] = int(raw[raw.duplicated(keep=False)].drop_duplicates().shape[0])
def conflicts(keys):
    rows = known[keys.notna()[known.index]] if isinstance(keys, pd.Series) else known
    k = keys[rows.index]
    g = rows.kind.groupby(k)
    labels = g.nunique()
    return dict(by_labels={str(i): [int((labels == i).sum()), int(g.size()[labels == i].sum())] for i in sorted(labels.unique())},
                bound=float(g.agg(lambda s: s.value_counts().max()).sum() / len(rows)))
exp["groups"] = conflicts(df["id"])
exp["groups"].update(sets=int(df.id.nunique()), rows=int(df.id.count()), largest=int(df.id.value_counts().max()),
                     repeated_sets=int((df.id.value_counts() > 1).sum()))
exp["alike"] = conflicts(df.groupby(["x", "ties", "skewed", "flat"], dropna=False).ngroup())
# Columns that measures over present rows alone put first: three rows with a value, and nearly as many values as rows.
rows = 200
y = np.where(np.arange(rows) % 5 < 3, "a", "b")
seldom = np.full(rows, "", dtype=object)
seldom[[0, 1, 3]] = ["p", "p", "q"]
hard = pd.DataFrame({
    "weak": np.round(rng.normal(size=rows) + (y == "b"), 3),
    "seldom": seldom,
    "crowd": [f"w{v}" for v in rng.permutation(np.r_[0:160, 0:40])],
    "y": y,
})
hard.to_csv(f"{out}/hard.csv", index=False)
hard = pd.read_csv(f"{out}/hard.csv", keep_default_na=False, na_values=[""])
exp["hard"] = {name: with_missing(hard.y, hard[name], name == "weak") for name in ["weak", "seldom", "crowd"]}
# A target that is a number: the target in ten ranges of equal size.
price = np.round(np.exp(rng.normal(size=300)) * 1e5)
homes = pd.DataFrame({
    "area": np.where(rng.random(300) < .1, "", np.round(price / 1e3 + rng.normal(size=300) * 40, 1).astype(str)),
    "town": np.where(price > np.median(price), rng.choice(["x", "y"], 300), rng.choice(["y", "z"], 300)),
    "price": price,
})
homes.to_csv(f"{out}/homes.csv", index=False)
homes = pd.read_csv(f"{out}/homes.csv")
ranges = np.minimum(np.floor(10 * (homes.price.rank() - .5) / len(homes)), 9).astype(int)
exp["homes"] = dict(price=summary(homes.price), association={})
for name in ["area", "town"]:
    entry = with_missing(ranges, homes[name], name == "area")
    if name == "area":
        both = homes[homes.area.notna()]
        entry.update(pearson=both.area.corr(both.price), spearman=both.area.corr(both.price, method="spearman"))
    exp["homes"]["association"][name] = entry
exp["made_with"] = dict(numpy=np.__version__, pandas=pd.__version__, scipy=scipy.__version__, sklearn=sklearn.__version__)
json.dump(exp, open(f"{out}/expected.json", "w"), indent=1)
