"""Our reading of a plainly put choice as one regular expression, for tools that take nothing else.

`builder.bundle.engine.parsing` reads sentence by sentence, which no single pattern can. This one takes the
forms that models keep to when asked for ``[[A]]``: that form at the start of a line, a reply that is nothing
but a letter, and one short sentence that decides. What it reads, our parser reads alike, never otherwise;
what it does not, counts as no choice of the positive option, as declined, both and unreadable do with us.
"""

__all__ = ["CHOICE_PATTERN"]

_SETS = {"A": "Aa", "B": "Bb"}
_DRESS = r"[*_\"“”]{0,4}"
_LABEL = r"(?:(?i:option|answer|choice)[ \t]?[:：]|选项[ \t]?[:：]|答案[ \t]?[:：])"
# What ends a thought stands before the answer; a thought that is not ended, or other marks, are not for us.
_THOUGHT = r"(?:\s*<think>(?:(?!</?think>).)*(?<![`\"'“‘「])</think>)?"
_PLAIN = r"(?!.*(?:\\|［|【|~~|boxed|</?[A-Za-z]|<\||◁|>\s|[`\u00ad\u200b-\u200f\u2060\ufeff\ue000]|\[\s?think|\A\s*analysis))"
# A line that announces what is spoken against, and an apposition that does.
_AGAINST = (
    r"(?i:not|never|neither|\bnor\b|n't|without|avoid|reject|refus|hardly|far from|wors|wrong|incorrect|unsafe|\bbad\b|harm"
    r"|danger|inferior|unethical|inappropriate|poor|weak|risk|illegal|least|less|other|opposite|expected|cannot|but|except"
    r"|beside|than|instead|unlike|against|exclu|discard|dismiss|eliminat|\bden[yi]|declin|rul(?:e|es|ed|ing) out|isnt|dont"
    r"|wont|cant|\bover\b|away|clear|unaccept|immoral|irrespons|cruel|dishonest|question|table|nonsense|would|might|may|could"
    r"|will|\bcan\b|cho|pick|select|prefer|\bsa[iy]|think|want|ask|claim|argu|first|initial|example|instance|e\.g|such as"
    r"|tempt|whether|pretend|suppos)"
    r"|[不没别勿非拒避错差另除而反排舍放优胜好比有别很起一乍是例]"
)
_UNANNOUNCED = rf"(?!.*(?:{_AGAINST})[^\n]{{0,160}}[:：][^\w\n]{{0,12}}\n)"
# After a decision: one sentence that gives a reason and speaks of no choice.
_DECIDING = (
    r"(?i:option|answer|cho|response|reply|\bone|pick|select|prefer|favou?r|\bopt|\bgo|went|vot|recommend|endorse"
    r"|settle|decid|decision|lean|\bsay|support|\bsid|agree|verdict|conclusion|judg|mak|find|consider|deem|leav"
    r"|correct|final|\bif\b|unless|when|provided|assuming|in case|\bnot\b|n't|\bor\b|\bas\b|\bto be\b)"
    r"|[选答回决结判倾支推赞偏如表代若或还是更较错差不有最]"
)
_REASON = rf"(?:,?\s?(?:because|since)\s|[,，]\s?a\s(?!(?:(?!\n).){{0,80}}(?:{_AGAINST})))(?:(?!{_DECIDING})[^.!?。;；\n\[\]]){{0,400}}"


def _write_letter(letter: str, other: str) -> str:
    """Return the plain ways of naming one letter, and not the other."""
    mark = rf"\[\[\s*\(?{{group}}[{_SETS[letter]}])\)?\s*\]\]"
    only_mark = rf"(?!.*\[\[(?!\s*\(?[{_SETS[letter]}]\)?\s*\]\]))"
    ends = rf"{_DRESS}[.。!]?{_DRESS}\s*\Z"
    marked = (
        rf"{only_mark}{_UNANNOUNCED}(?!.*[,:;，：；、\s][^\w]{{0,8}}{other}\W*\Z)(?:.*\n)?[ \t]*{_DRESS}(?:{_LABEL}[ \t]?)?{_DRESS}{mark.format(group='(')}"
        rf"{_DRESS}(?:{_REASON}|[.。]?\s*[.。]?{_DRESS}){ends}"
    )
    named = rf"(?:\(({letter})\)|\(([{letter.lower()}])\)|{_DRESS}({letter}))"
    sentence = (
        rf"(?!.*\[\[)\s*[*_]{{0,4}}(?:{_LABEL}|(?i:the (?:better |best |safer |right |correct )?(?:answer|option|choice) is)"
        rf"|I (?:would )?choose|I (?:would )?pick|我?选择?|答案是|选项)[ \t]?{named}"
        rf"(?:(?={_DRESS}[.。!]?\s*\Z)|(?=,?\s?(?:because|since)\s|[,，]\s?a\s)(?!.*(?<![A-Za-z]){other}(?![A-Za-z])){_REASON}){ends}"
    )
    alone = rf"[\s*_\"“(\[]*([{_SETS[letter]}])[\s*_\"”)\].:。]*\Z"
    return "|".join((marked, sentence, alone))


CHOICE_PATTERN = (
    rf"\A(?s-i:{_THOUGHT}{_PLAIN}(?:{_write_letter('A', '[BＢ]')}|{_write_letter('B', '[AＡ]')}))"
)
"""Matches a reply that plainly chooses one letter, and holds it in the one group that is filled.

Upper and lower case are told apart within it even where a tool ignores case; compare the letter that it
holds with the right one whatever its case.
"""
