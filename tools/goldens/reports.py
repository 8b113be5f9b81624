"""Scores of random predictions by scikit-learn, SciPy and seqeval: tests/golden/reports.json.

python3 tools/goldens/reports.py, with scikit-learn, scipy and seqeval installed.
"""
import json
import pathlib
import random
import warnings

from scipy import stats
from seqeval.metrics import accuracy_score as tag_accuracy
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import get_entities
from sklearn import metrics

warnings.filterwarnings("ignore")
random.seed(7)


def classes():
    cases = []
    for n, size in ((2, 9), (2, 40), (3, 50), (5, 30), (4, 6)):
        for kind in ("random", "one", "right"):
            truth = [random.randrange(n) for _ in range(size)]
            predicted = {"random": [random.choice([t, random.randrange(n)]) for t in truth],
                         "one": [1] * size, "right": truth}[kind]
            p, r, f, s = metrics.precision_recall_fscore_support(truth, predicted, labels=list(range(n)),
                                                                zero_division=0)
            macro = metrics.precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
            cases.append({"n": n, "truth": truth, "predicted": predicted,
                          "accuracy": metrics.accuracy_score(truth, predicted),
                          "macro": [float(x) for x in macro[:3]],
                          "weighted_f1": metrics.f1_score(truth, predicted, average="weighted", zero_division=0),
                          "matthews": metrics.matthews_corrcoef(truth, predicted),
                          "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(), "support": s.tolist(),
                          "confusion": metrics.confusion_matrix(truth, predicted, labels=list(range(n))).tolist()})
    return cases


def numbers():
    cases = []
    for size in (3, 20, 50):
        truth = [round(random.uniform(-3, 3), 1) for _ in range(size)]
        predicted = [t * 0.5 + random.gauss(0, 1) for t in truth]
        cases.append({"truth": truth, "predicted": predicted, "pearson": stats.pearsonr(predicted, truth)[0],
                      "spearman": float(stats.spearmanr(predicted, truth)[0]),
                      "mse": metrics.mean_squared_error(truth, predicted),
                      "mae": metrics.mean_absolute_error(truth, predicted), "r2": metrics.r2_score(truth, predicted)})
    return cases


def multilabel():
    cases = []
    for n, size in ((3, 20), (5, 8)):
        truth = [[int(random.random() < 0.4) for _ in range(n)] for _ in range(size)]
        predicted = [[b if random.random() < 0.7 else 1 - b for b in row] for row in truth]
        cases.append({"n": n, "truth": truth, "predicted": predicted,
                      "micro_f1": metrics.f1_score(truth, predicted, average="micro", zero_division=0),
                      "macro_f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
                      "subset_accuracy": metrics.accuracy_score(truth, predicted)})
    return cases


def entities():
    tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-LOC", "S-ORG", "I-MISC-x", "E-PER", "B", "I"]
    cases = []
    for weight in (1, 4):
        for _ in range(12):
            sentences = [[random.choice(tags + ["O"] * weight) for _ in range(random.randrange(1, 9))]
                         for _ in range(random.randrange(1, 5))]
            guesses = [[t if random.random() < 0.7 else random.choice(tags) for t in s] for s in sentences]
            report = classification_report(sentences, guesses, output_dict=True, zero_division=0)
            micro = report["micro avg"]
            cases.append({"truth": sentences, "predicted": guesses,
                          "entities": [[list(e) for e in get_entities(s)] for s in sentences],
                          "precision": float(micro["precision"]), "recall": float(micro["recall"]),
                          "f1": float(micro["f1-score"]), "macro_f1": float(report["macro avg"]["f1-score"]),
                          "accuracy": tag_accuracy(sentences, guesses),
                          "types": {k: float(v["f1-score"]) for k, v in report.items() if " avg" not in k}})
    return cases


out = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/reports.json"
data = {"classes": classes(), "numbers": numbers(), "multilabel": multilabel(), "entities": entities()}
out.write_text("{\n" + ",\n".join(
    json.dumps(k) + ": [\n" + ",\n".join(json.dumps(c) for c in v) + "\n]" for k, v in data.items()) + "\n}\n")
