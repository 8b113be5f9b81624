"""Writes tests/golden/text_metrics.json: our sentences, scored by the official programs.

    python tools/goldens/text_metrics.py --e2e-metrics DIR --dart DIR > tests/golden/text_metrics.json

DIR are checkouts of tuetschek/e2e-metrics (mteval-v13a-sig.pl, pymteval, COCO's ROUGE-L and CIDEr, Stanford's tokenizer,
METEOR 1.5) and Yale-LILY/dart (evaluation/: multi-bleu.perl, tercom 0.7.25); Java, Perl with XML::Twig and
Sort::Naturally, and the packages sacrebleu 2.6.0, rouge_score 0.1.2, nltk, pyter3 and unidecode are needed. The printed
digits of mteval are raised in a copy; nothing else of a program is changed.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

args = argparse.ArgumentParser()
args.add_argument("--e2e-metrics", required=True)
args.add_argument("--dart", required=True)
args = args.parse_args()
E2E, DART = os.path.abspath(args.e2e_metrics), os.path.join(os.path.abspath(args.dart), "evaluation")
sys.path.insert(0, E2E)

import pyter
import sacrebleu
from metrics.pymteval import BLEUScore, NISTScore
from nltk.stem.porter import PorterStemmer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS
from rouge_score import rouge_scorer, scoring
from unidecode import unidecode

RESTAURANTS = [
    ("The Blue Heron is a cheap coffee shop near the river.",
     ["The Blue Heron is a low-priced coffee shop by the riverside.",
      "Near the river there is a cheap coffee shop, The Blue Heron.",
      "A coffee shop called The Blue Heron is near the river. It is cheap."]),
    ("Café Noir serves £20-25 dishes; it isn't kid-friendly, and its rating is 3.5 out of 5.",
     ["At Café Noir, dishes cost £20-25. It's not kid friendly and was rated 3.5 out of 5.",
      "Café Noir (rated 3.5 out of 5) isn't child-friendly: a meal is £20-25!"]),
    ("Families don't like the pub \"Old Mill\" because of its prices, over £30.",
     ["Because it's pricey (over £30), families do not like the pub 'Old Mill'.",
      "The 'Old Mill' pub is not liked by families since its prices are more than £30.",
      "\"Old Mill\" is a pub with prices over £30... families don't like it.",
      "Families dislike Old Mill, an expensive pub."]),
    ("Cheap food is available at Wok&amp;Roll, 1,000 metres from Mr. Lee's.",
     ["Wok & Roll offers cheap food 1,000 metres away from Mr. Lee's.",
      "Mr. Lee's is 1,000 metres from Wok&amp;Roll, which offers inexpensive food."]),
    ("It has a high customer rating of 5 out of 5 and a high customer rating of 5 out of 5.",
     ["It has a customer rating of 5 out of 5."]),
    ("Would you like English food? Try the children-friendly Eagle!",
     ["The Eagle is a children friendly place that serves English food.",
      "Try English food at the Eagle, which welcomes children."]),
]
# A hypothesis of one, two and no words, one without a match, one equal to a reference, the words 0 and 00.
HARD = [
    ("Cheap.", ["It is cheap.", "Cheap."]),
    ("very cheap", ["It is very very cheap", "cheap"]),
    ("", ["Nothing was said.", "Nothing."]),
    ("completely different words appear", ["none of those is here"]),
    ("0 stars and 0 stars of 5", ["0 stars and 00 stars of 5", "It got 0 stars of 5", "0 stars"]),
    ("A small place by the sea serves good fish .", ["A small place by the sea serves good fish ."]),
    ("the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("fish good serves sea the by place small A", ["A small place by the sea serves good fish", "Good fish by the sea"]),
]
# Tokens in lower case and three references, of which some are missing, as WebNLG and DART have them.
TRIPLES = [
    ("the old tower in porto was built by an engineer from lisbon .",
     ["an engineer from lisbon built the old tower in porto .", "the old tower , porto , was built by a lisbon engineer .", ""]),
    ("john smith plays for the rovers in the second league , and he was born on 2 may 1980 .",
     ["born on 2 may 1980 , john smith plays for the rovers of the second league .", "", ""]),
    ("the runway is 18l / 36r and its length is 3 , 500 metres .",
     ["the length of runway 18l / 36r is 3 , 500 .", "runway 18l / 36r has a length of 3 , 500 metres .",
      "the runway called 18l / 36r is 3 , 500 long ."]),
    ("ground beef is an ingredient of the dish which comes from norway , and so is flour .",
     ["the dish , which has ground beef and flour as ingredients , comes from norway .",
      "ground beef and flour are ingredients of the dish that comes from norway .", ""]),
    ("the team won the cups of 1999 and 2001 under the manager peter jones .",
     ["under the manager peter jones , the team won cups in 1999 and in 2001 .", "", ""]),
    ("he studied mathematics , physics and astronomy at the university .",
     ["at the university he studied astronomy , mathematics and physics .",
      "he was a student of physics , astronomy and mathematics at the university .", ""]),
]
SETS = {"restaurants": RESTAURANTS, "hard": HARD, "triples": TRIPLES}


def run(command, cwd=None, text=None):
    return subprocess.run(command, cwd=cwd, input=text, capture_output=True, check=True, encoding="utf-8").stdout


def stanford(lines):
    """Tokens of each line: PTBTokenizer -preserveLines -lowerCase of CoreNLP 3.4.1, before and after COCO's removal."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as f:
        f.write("\n".join(lines))
        f.flush()
        out = run(["java", "-cp", E2E + "/pycocoevalcap/tokenizer/stanford-corenlp-3.4.1.jar",
                   "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", f.name])
    tokens = [line.rstrip().split(" ") for line in out.split("\n")][:len(lines)]
    return tokens, [[w for w in line if w not in PUNCTUATIONS] for line in tokens]


def mteval(pairs):
    with tempfile.TemporaryDirectory() as folder:
        script = open(E2E + "/mteval/mteval-v13a-sig.pl", encoding="utf-8").read()
        script = script.replace('"NIST score = %2.4f  BLEU score = %.4f for', '"NIST score = %.12f  BLEU score = %.12f for')
        open(folder + "/mteval.pl", "w", encoding="utf-8").write(script)
        import measure_scores
        paths = [f"{folder}/{n}.sgm" for n in ("ref", "src", "tst")]
        measure_scores.create_mteval_file([r for _, r in pairs], paths[0], "ref")
        measure_scores.create_mteval_file(["" for _ in pairs], paths[1], "src")
        measure_scores.create_mteval_file([h for h, _ in pairs], paths[2], "tst")
        out = run(["perl", folder + "/mteval.pl", "-r", paths[0], "-s", paths[1], "-t", paths[2], "-f", folder + "/log"])
    return {"bleu_mteval": float(re.search(r"BLEU score = ([0-9.]+)", out)[1]),
            "nist_mteval": float(re.search(r"NIST score = ([0-9.]+)", out)[1])}


def pymteval(pairs):
    bleu, nist = BLEUScore(), NISTScore()
    for hypothesis, references in pairs:
        bleu.append(hypothesis, references)
        nist.append(hypothesis, references)
    return {"bleu_pymteval": bleu.score(), "nist_pymteval": nist.score()}


def padded(pairs):
    most = max(len(r) for _, r in pairs)
    return most, [r + [""] * (most - len(r)) for _, r in pairs]


def multi_bleu(pairs):
    most, references = padded(pairs)
    with tempfile.TemporaryDirectory() as folder:
        for k in range(most):
            open(f"{folder}/ref{k}", "w", encoding="utf-8").write("".join(r[k] + "\n" for r in references))
        script = open(DART + "/multi-bleu.perl", encoding="utf-8").read().replace("BLEU = %.2f", "BLEU = %.10f")
        open(folder + "/multi-bleu.perl", "w", encoding="utf-8").write(script)
        text = "".join(h + "\n" for h, _ in pairs)
        values = {}
        for name, flags in (("bleu_multi", []), ("bleu_multi_lc", ["-lc"])):
            out = run(["perl", folder + "/multi-bleu.perl"] + flags + [folder + "/ref"], text=text)
            values[name] = float(re.search(r"BLEU = ([0-9.]+)", out)[1]) / 100
    return values


def sacre(pairs):
    most, references = padded(pairs)
    metric = sacrebleu.BLEU()
    # A missing reference is None; an empty one that a set has is a text.
    streams = [[r[k] if k < len(r) else None for _, r in pairs] for k in range(most)]
    score = metric.corpus_score([h for h, _ in pairs], streams)
    return {"bleu_sacrebleu": score.score / 100, "signature": str(metric.get_signature())}


def coco(hypotheses, references):
    res = {i: [" ".join(h)] for i, h in enumerate(hypotheses)}
    gts = {i: [" ".join(x) for x in r] for i, r in enumerate(references)}
    return {"rouge_l_coco": float(Rouge().compute_score(gts, res)[0]), "cider": float(Cider().compute_score(gts, res)[0])}


def google(pairs):
    """Each reference alone (its first), and the best of all, aggregated by the plain mean."""
    values = {}
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    for stem in (False, True):
        scorer = rouge_scorer.RougeScorer(names, use_stemmer=stem)
        for name in names:
            scores = [scorer.score(r[0], h)[name] for h, r in pairs]
            best = [scorer.score_multi(r, h)[name] for h, r in pairs]
            key = name + ("_stem" if stem else "")
            values[key] = [sum(getattr(s, f) for s in scores) / len(scores) for f in ("precision", "recall", "fmeasure")]
            values[key + "_multi"] = [sum(getattr(s, f) for s in best) / len(best) for f in ("precision", "recall", "fmeasure")]
    return values


def tercom(pairs):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/hyp", "w", encoding="utf-8") as f:
            f.writelines(f"{h} (id{i})\n" for i, (h, _) in enumerate(pairs))
        with open(folder + "/ref", "w", encoding="utf-8") as f:
            f.writelines(f"{r} (id{i})\n" for i, (_, rs) in enumerate(pairs) for r in rs if r)
        out = run(["java", "-jar", DART + "/tercom-0.7.25/tercom.7.25.jar", "-h", folder + "/hyp", "-r", folder + "/ref"])
    score, edits, words = re.search(r"Total TER: ([0-9.]+) \(([0-9.]+)/([0-9.]+)\)", out).groups()
    return {"ter_tercom": float(score), "ter_edits": float(edits), "ter_words": float(words)}


def pyters(pairs):
    scores = []
    for hypothesis, references in pairs:
        best = []
        for reference in references:
            try:
                best.append(pyter.ter(hypothesis.split(), reference.split()) if reference else 1)
            except ZeroDivisionError:
                best.append(1)
        scores.append(min(best))
    return {"ter_pyter": sum(scores) / len(scores)}


def meteor(pairs, hypotheses, references):
    """Of COCO's tokens (as the E2E script has it) and of the lines (as DART's has it); without paraphrases."""
    values = {}
    for name, hyps, refs in (("meteor_coco", [" ".join(h) for h in hypotheses], [[" ".join(x) for x in r] for r in references]),
                             ("meteor_lines", [h for h, _ in pairs], [r for _, r in pairs])):
        with tempfile.TemporaryDirectory() as folder:
            most = max(len(r) for r in refs)
            open(folder + "/hyp", "w", encoding="utf-8").write("".join(h + "\n" for h in hyps))
            open(folder + "/ref", "w", encoding="utf-8").write(
                "".join(x + "\n" for r in refs for x in r + [""] * (most - len(r))))
            out = run(["java", "-Xmx1G", "-jar", "meteor-1.5.jar", folder + "/hyp", folder + "/ref", "-l", "en", "-norm",
                       "-r", str(most), "-m", "exact stem synonym", "-w", "1.0 0.6 0.8"], cwd=E2E + "/pycocoevalcap/meteor")
        values[name] = float(re.search(r"Final score:\s+([0-9.]+)", out)[1])
        values[name + "_segments"] = [float(x) for x in re.findall(r"Segment \d+ score:\s+([0-9.]+)", out)]
    return values


TOKENS = """It's the cat's toy; they're mine, I'd say. Don't! Can't won't isn't aren't. Cannot, gonna, wanna.
Price: £20-25 (or $1,000.50) — that's 3.5% of €5. It's 1/2, 3-for-2 and #1 @ home & away.
"Double" and 'single' and ``old'' quotes, “curly” and ‘curly’ ones; the '90s, rock 'n' roll, o'clock, O'Neill's.
Mr. Lee met Dr. Smith at St. James St. in Washington D.C. on Jan. 5, e.g. at 5 p.m., i.e. late, etc.
U.S. and U.K. prices vs. U.S.A. ones. The end... Really?! Yes!! No??? Wait.. what -- oh - ok --- so
kid-friendly low-cost family-owned 5-star well-known co-op e-mail e.g., a.m. [brackets] {braces} <tags> a/b/c and/or
Visit http://www.example.com/menu?x=1 or mail me@example.org. Call 01223 123456 or 555-1234. C++ C# AT&T R&B Q&A
Café Noir's crème brûlée naïve Übermensch jalapeño — 5*s ***** ~10 ^up x=y a_b 100% 50°C 3.50 .50 5. 10,000 1,2
The Phoenix .It's riverside.The food,great.no space here!and here?yes;and:here 20.Then £20.""".split("\n")
WORDS = """skies dying lying tying news innings outings cannings howe proceed exceed succeed caresses ponies ties caress cats
feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed failing filing
happy sky enjoy relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli
analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti
sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference airliner
gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate
angulariti homologous effective bowdlerize probate rate cease controll roll restaurants priced serving located families
customers ratings generally flies spied dies biology archaeology by say played""".split()

result = {"sets": [], "stanford": [], "porter": {}, "unidecode": {}}
for name, pairs in SETS.items():
    flat = [h for h, _ in pairs] + [r for _, rs in pairs for r in rs]
    # A line without text is left out, for Stanford's -preserveLines prints nothing for the last one.
    kept = [line for line in flat if line]
    tokens = iter(stanford(kept)[1])
    clean = [next(tokens) if line else [""] for line in flat]
    hypotheses, rest = clean[:len(pairs)], iter(clean[len(pairs):])
    references = [[next(rest) for _ in rs] for _, rs in pairs]
    values = {}
    values.update(mteval(pairs))
    values.update(pymteval(pairs))
    values.update(multi_bleu(pairs))
    values.update(sacre(pairs))
    values.update(coco(hypotheses, references))
    values.update(google(pairs))
    values.update(tercom(pairs))
    values.update(pyters(pairs))
    values.update(meteor(pairs, hypotheses, references))
    result["sets"].append({"name": name, "hypotheses": [h for h, _ in pairs], "references": [r for _, r in pairs],
                           "values": values})
for line, tokens in zip(TOKENS, stanford(TOKENS)[0]):
    result["stanford"].append({"text": line, "tokens": tokens})
stemmer = PorterStemmer()
result["porter"] = {w: stemmer.stem(w) for w in sorted(WORDS)}
result["unidecode"] = {c: unidecode(c) for c in "áéíóúñçøßæœłđšžčňůőğışäöüÅØÆÞð–—‘’“”…•×÷°½€£·ΑΩжЖяа"}
json.dump(result, sys.stdout, ensure_ascii=False, indent=1)
print()
