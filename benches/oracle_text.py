"""Numbers that the tests of text features hold, from scikit-learn.

    python benches/oracle_text.py > tests/fixtures/text_sklearn.json

Texts are made up here from a few words in several scripts. Written with scikit-learn 1.9.1 and numpy 2.4.
"""

import json
import sys

import numpy
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

WORDS = (
    "love night Heart the THE of my you're DON'T remix (live) feat. ÉTÉ coração naïve straße 夜に駆ける ночь "
    "любовь 99 2019 x a_b st. dance fire gold rain river 東京 sol luna vida amor rock'n'roll blue- -moon ..."
).split()
BUCKETS, SHOWN = 32, 10


def made_up(count):
    """Texts of 0 to 8 words, the first words of the list more often than the last."""
    state, texts = 1, []

    def draw(bound):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % bound

    for _ in range(count):
        length = draw(9)
        words = [WORDS[min(draw(len(WORDS)), draw(len(WORDS)))] for _ in range(length)]
        texts.append(("  " if draw(2) else " ").join(words))
    return texts


def sparse_rows(matrix):
    matrix = matrix.tocsr()
    matrix.sort_indices()
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:])
    return [[[int(j), float(x)] for j, x in zip(matrix.indices[a:b], matrix.data[a:b])] for a, b in ends]


train = made_up(150)
new = ["Любовь at night", "unheard-of words", "", "FIRE fire fire naïve", "the the my 東京"]
shown = train[:SHOWN] + new
cases = []
for analyzer, ngrams, sublinear, min_count, lowercase, dims in (
    ("word", (1, 2), True, 2, True, 12),
    ("word", (1, 1), False, 1, False, 30),
    ("char_wb", (2, 4), False, 3, True, 12),
):
    options = {"analyzer": analyzer, "ngram_range": ngrams, "lowercase": lowercase}
    vectors = TfidfVectorizer(**options, sublinear_tf=sublinear, min_df=min_count).fit(train)
    svd = TruncatedSVD(dims, algorithm="arpack").fit(vectors.transform(train))
    places = svd.transform(vectors.transform(shown))
    hashed = HashingVectorizer(**options, n_features=BUCKETS).transform(shown)
    cases.append(
        {
            "analyzer": analyzer.removesuffix("_wb"),
            "ngrams": ngrams,
            "sublinear": sublinear,
            "min_count": min_count,
            "lowercase": lowercase,
            "vocabulary": [str(term) for term in vectors.get_feature_names_out()],
            "idf": vectors.idf_.tolist(),
            "weights": sparse_rows(vectors.transform(shown)),
            "dims": dims,
            "singular": svd.singular_values_.tolist(),
            "similarities": (places @ places.T).round(12).tolist(),
            "buckets": BUCKETS,
            "hashed": sparse_rows(hashed),
        }
    )
json.dump({"train": train, "shown": shown, "cases": cases}, sys.stdout, ensure_ascii=False)
