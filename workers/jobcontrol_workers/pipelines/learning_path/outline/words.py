"""Words in any script: what counts as one, which carry no meaning, and when two are the same."""

from __future__ import annotations

import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
UNSPACED = re.compile(rf"[{CJK}]")
WORD = re.compile(rf"[^\W_{CJK}](?:[^\W{CJK}]|['’\-](?=[^\W_{CJK}]))*")

ENGLISH = """a about above after again against all almost already also although always am an and another any anyone
anything are aren't around as at away back be because been before being below between both but by can can't
cannot could couldn't did didn't do does doesn't doing don't done down during each either else enough even
ever every few for from further get gets getting give given go goes going got had has hasn't have haven't
having he he's her here here's hers herself him himself his how however i i'd i'll i'm i've if in instead into
is isn't it it'll it's its itself just least less let let's like likely ll many may maybe me might more most
much must my myself need needs neither never next no none nor not nothing now of off often on once one ones
only onto or other others our ours ourselves out over own per perhaps quite rather re really s same shall she
should shouldn't since so some someone something soon still such t than that that's the their theirs them
themselves then there there's therefore these they they'll they're they've this those though through thus to
together too toward under unless until up upon us use used uses using usually very via was wasn't way we we'd
we'll we're we've well were weren't what what's whatever when where whereas whether which while who whole whom
whose why will with within without won't would wouldn't yet you you'd you'll you're you've your yours yourself"""

# Words that mean something only beside another one: never a term alone, and no term begins with one.
WEAK = """able actual add added adding additional appear back bad basic begin best better big bit bring build call
called calling calls care case cases certain chance change changed changes changing chapter check choose clear
come comes common complete concept concepts consider contain contains continue correct correctly couple course
create created creates creating current currently deal decide default define defined defines defining
demonstrate describe detail details determine different discuss discussed easier easily easy end entire
especially example examples exist expect explain explicit fact fairly far figure final finally find fine first
following follow followed follows full good great happen happens hard help helpful helps hold holding idea
imagine important include includes including indicate inside interesting introduce involve items keep kind
kinds know knowing known large last later lead learn learned leave left line lines listing lists little long
longer look looking looks lot made main make makes making manner many mean means mention mentioned more
multiple name named needed new nice note notice number numbers old order original output outside part
particular parts people perform piece place point points possible previous previously probably problem
problems provide provided provides providing put question quick quickly read ready real reason receive remain
remember require required requires result results right run running runs saw say second section see seen sense
set several show shown shows similar simple simply single situation situations small sort specific specified
specify start started starts state step steps sure take taken takes talk tell thing things think third three
time times top try trying turn two type-specific understand useful uses usual value-added various version
versions want wanted wants ways whatever work worked working works world write writing written wrong year
years yes zero"""

OTHER_TONGUES = """der die das und oder ein eine einer eines einem einen ist sind war nicht mit von zu im in den
dem des auf für als auch es sich wird werden bei aus nach wie dass le la les des du un une et ou est sont pas
avec pour dans sur par que qui ce cette ces il elle on se au aux plus ne el los las una y o es son no con por
para en de del al que se su lo como más è di che il lo gli non per una и в во не что он на я с со как а то все
она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о из ему теперь когда даже ну ли
если уже или ни быть был него до вас нибудь опять уж вам это этот эта эти того этого также чем для при их может
который которая которые где между под над без через после во من في على إلى عن أن إن هو هي هذا هذه ذلك تلك التي
الذي الذين ما لا لم لن قد كان كانت كل بعد قبل مع أو ثم أي حتى بين عند لأن و ف ب ل ك"""

STOPWORDS = frozenset(ENGLISH.replace("'", "’").split()) | frozenset(ENGLISH.split()) | frozenset(OTHER_TONGUES.split())
WEAK_WORDS = frozenset(WEAK.split())
FUNCTION_CHARACTERS = frozenset(
    "一种两几多少的了是在和与或及被把就也都而其之为以于等这那有不个们很会能可要到从对让将并但则中上下"
)


def word_count(text: str) -> int:
    """How many words `text` has; two characters of an unspaced script count as one."""
    return len(WORD.findall(text)) + (len(UNSPACED.findall(text)) + 1) // 2


def normal(term: str) -> str:
    """`term` without case, marks of code and English plural, so that `Slices` and `slice` are one."""
    return " ".join(singular(word) for word in term.lower().strip("`*_ ").split())


def singular(word: str) -> str:
    """An English plural's singular, found by its ending; other words as they are."""
    if not word.isascii() or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def is_meaningful(word: str) -> bool:
    """Whether `word` alone could name something."""
    low = word.lower()
    return len(low) > 2 and low not in STOPWORDS and low not in WEAK_WORDS and not low[0].isdigit()


def slug(title: str) -> str:
    """A key made from a title: words of any script, lower case, joined by hyphens; at most 60 characters."""
    joined = "-".join(re.findall(r"\w+", title.lower().replace("’", "").replace("'", "")))
    return joined.replace("_", "-")[:60].strip("-") or "section"


def unique(key: str, taken: set[str]) -> str:
    """`key`, or the first of `key-2`, `key-3`, … that is not taken yet; it is taken from then on."""
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key}-{number}"
    taken.add(found)
    return found
