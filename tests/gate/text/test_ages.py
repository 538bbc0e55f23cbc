"""Written ages: every form in every language is read, and durations, sizes and adults are not."""

import random
from datetime import date, timedelta
from re import _parser as parser  # type: ignore[attr-defined]  # the parser has no public name
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.text.age_patterns import AgeKind, AgeSubject
from gate.text.ages import AgeMention, describes_minor, find_ages, is_minor_answer
from gate.text.lexicon import shipped_lexicon

TODAY = date(2026, 12, 1)
LANGUAGES = ("en", "fr", "es", "de", "it", "pt")
KINDS = tuple(kind for kind in AgeKind if kind is not AgeKind.CUE)

# One line for each kind of each language; the forms of a kind are separated by "|".
DESCRIBED: dict[str, dict[AgeKind, str]] = {
    "en": {
        AgeKind.FIGURE: "A 16-year-old girl|Mia, aged 17, likes the sea|Age: 14|just turned 16|15yo|15 years, blonde"
        "|15_years_old|15-16 years old|14 y.o.|a girl of 15|girl (15), blonde|when I was 15",
        AgeKind.WORD: "She is fifteen years old|Nova is fifteen.|fifteen-year-old|aged fifteen|FIFTEEN YEARS OLD|fif teen years old",
        AgeKind.BIRTH: "born in 2011|born on 3 May 2011|born May 3, 2011|DOB: 2011-05-03|date of birth 03/05/2011|2011-born"
        "|year of birth: 2011|born in Lyon in 2011|born 15 years ago|born in '11|Born: 2011|born on 03.05.11|in 2011, her birth year",
        AgeKind.BIRTHDAY: "her 16th birthday|sweet sixteen|her sixteenth birthday",
        AgeKind.REMAINING: "turns 18 next year|3 years until she is 18|will be 18 in two months|she'll be eighteen soon|of age in 2 years",
        AgeKind.SCHOOL: "a high school student|in 9th grade|9th-grader|revising for her GCSEs|she is in middle school",
        AgeKind.SHORTHAND: "(15f)|15/f/cali|f/15/cali|15f for fun|(f, 15)",
        AgeKind.STATUS: "an underage girl|a schoolgirl|teen girl|she is under 18|a loli|he's a minor",
    },
    "fr": {
        AgeKind.FIGURE: "Elle a 15 ans.|Mia, 17 ans, aime la mer|âgée de 16 ans|Âge : 13 ans|15ans|une fille de 16 piges",
        AgeKind.WORD: "une brune de seize ans|quinze ans|quinzeans|dix-sept ans|dix sept ans|elle a quinze ans",
        AgeKind.BIRTH: "née en 2011|née le 3 mai 2011|date de naissance : 03/05/2011|Née à Paris en 2011|née il y a 15 ans"
        "|année de naissance 2011|2011, année de sa naissance|Née : 2011|née le 1er mai 2011",
        AgeKind.BIRTHDAY: "son 15e anniversaire|son quinzième anniversaire|elle fête ses 16 ans|elle souffle ses seize bougies",
        AgeKind.REMAINING: "majeure dans 2 ans|2 ans avant sa majorité|elle aura 18 ans dans un mois|avant ses dix-huit ans",
        AgeKind.SCHOOL: "elle est en troisième|une collégienne|passe son brevet|élève de seconde|elle est en 3e|lycéennes",
        AgeKind.SHORTHAND: "(15, f)|15/f/paris|f/15/lyon|fille, 15|JF 16",
        AgeKind.STATUS: "une fille mineure|elle n'est pas majeure|une fille a moins de 18 ans|pré-ado|une lolita",
    },
    "es": {
        AgeKind.FIGURE: "una chica de 15 años|15 añitos|edad: 15|tiene 16.|15años",
        AgeKind.WORD: "Tiene quince años|diecisiete años|diez y seis años|quinceaños|edad: quince",
        AgeKind.BIRTH: "nació en 2011|nacida el 3 de mayo de 2011|fecha de nacimiento: 3/5/2011|2011, año de nacimiento"
        "|nacida hace 15 años|Nacida: 2011|naciendo en Sevilla en 2011",
        AgeKind.BIRTHDAY: "cumple 15|una quinceañera|fiesta de quince años|sus quince primaveras|cumpleaños de 15 años",
        AgeKind.REMAINING: "le faltan 2 años para los 18|cumple 18 en mayo|mayor de edad en 2 años|todavía no tiene los 18",
        AgeKind.SCHOOL: "está en 3º de la ESO|alumna de bachillerato|prepara la selectividad|va a secundaria",
        AgeKind.SHORTHAND: "15/f/madrid|(15, m)|chica, 15|f/15/sevilla",
        AgeKind.STATUS: "una colegiala|es menor de edad|no es mayor de edad|una chica menor de 18",
    },
    "de": {
        AgeKind.FIGURE: "Mia ist 15 Jahre alt|eine 15-jährige|15jährig|ein Mädchen, 14 Jahre|im Alter von 15|Alter: 15|Sie ist 15.",
        AgeKind.WORD: "Mia ist fünfzehn|fünfzehnjährige Blondine|Fuenfzehn Jahre alt|siebzehn Jahre|Sie ist fünfzehn.|sechzehn Jahre jung",
        AgeKind.BIRTH: "geboren 2011|2011 geboren|geboren am 3. Mai 2011|geb. 2011|Jahrgang 2011|Geburtsjahr: 2011|*2011"
        "|vor 15 Jahren geboren|2011 in Köln geboren|kam 2011 zur Welt|Geburtsdatum 03.05.2011",
        AgeKind.BIRTHDAY: "ihr 15. Geburtstag|fünfzehnter Geburtstag|sie wird 16.|wurde gerade sechzehn.",
        AgeKind.REMAINING: "in 2 Jahren volljährig|wird nächstes Jahr 18|wenn sie 18 wird|2 Jahre bis zur Volljährigkeit",
        AgeKind.SCHOOL: "in der 9. Klasse|in der neunten Klasse|Gymnasiastin|macht ihr Abi|eine Neuntklässlerin",
        AgeKind.SHORTHAND: "15/w/Berlin|w15|(15, w)|w/15/Köln",
        AgeKind.STATUS: "minderjährig|eine Minderjährige|ist noch unter 18|ein Schulmädchen",
    },
    "it": {
        AgeKind.FIGURE: "una ragazza di 15 anni|15enne|età: 15|ha 16.|15anni",
        AgeKind.WORD: "Ha quindici anni|quindicenne|diciassette anni|ha sedici anni|una sedicenne",
        AgeKind.BIRTH: "nata nel 2011|nata il 3 maggio 2011|data di nascita: 03/05/2011|classe 2011|2011, anno di nascita"
        "|nata 15 anni fa|Nata: 2011|nata a Roma nel 2011",
        AgeKind.BIRTHDAY: "compie 15 anni|il suo 15º compleanno|quindicesimo compleanno|compleanno dei suoi quindici",
        AgeKind.REMAINING: "mancano 2 anni ai 18|compie 18 anni tra un mese|maggiorenne tra 2 anni|quando avrà diciotto anni",
        AgeKind.SCHOOL: "va al liceo|in terza media|prepara la maturità|una liceale|studentessa delle medie",
        AgeKind.SHORTHAND: "15/f/roma|(15, f)|ragazza, 15|f/15/milano",
        AgeKind.STATUS: "una minorenne|non è maggiorenne|una lolita|non ha ancora 18 anni",
    },
    "pt": {
        AgeKind.FIGURE: "uma menina de 15 anos|15 aninhos|idade: 15|tem 16.|15anos",
        AgeKind.WORD: "Tem quinze anos|dezesseis anos|dezassete anos|menina de quinze anos|idade: quinze",
        AgeKind.BIRTH: "nasceu em 2011|nascida a 3 de maio de 2011|data de nascimento: 03/05/2011|2011, ano de nascimento"
        "|nascida há 15 anos|Nascida: 2011|nasceu em Lisboa em 2011",
        AgeKind.BIRTHDAY: "faz 15 anos hoje|festa de 15 anos|uma debutante|completou dezesseis anos",
        AgeKind.REMAINING: "faltam 2 anos para os 18|faz 18 em maio|maior de idade daqui a 2 anos|ainda não tem 18",
        AgeKind.SCHOOL: "está no 9º ano|aluna do ensino médio|vai fazer o ENEM|está no nono ano",
        AgeKind.SHORTHAND: "15/f/lisboa|(15, m)|garota, 15|f/15/porto",
        AgeKind.STATUS: "menor de idade|não é maior de idade|uma ninfeta|menina menor de 18",
    },
}  # fmt: skip

# What looks like an age under 18 and is none, or is the age of an adult.
NOT_MINORS = {
    "en": "A 26-year-old photographer|twenty-five years old|twenty five years old|has painted for 10 years|turned 21"
    "|two cats, 3 years together|born in 1999|five years ago|15 years of experience|a 12-year-old dog|12 year old whisky"
    "|size 15|I teach 15-year-olds|mother of a 10-year-old boy|15 minutes|12 photos, 15 €|f/8 and f/11 and f16 apertures"
    "|our page turns 10|see you on 24/12/2026!|18+ only, no minors|no underage content|must be 18|under 18s not allowed"
    "|the high school reunion|Top 10|10 years today|14 new photos|at 15:30|15% off|15/10|our shop was born in 2015"
    "|my dog was born in 2015|season 3 episode 7|I would give it 5 stars!|15 km run|once again|I'm 25|class of 2015"
    "|5 years strong|she is 5 minutes late|eighteen years old|one hundred and fifteen years old|girl, 12 roses|a girl with 2 cats"
    "|v1.15 years|she lives at number 15|in 2015|3 May 2011|the kids are asleep|35mm, f/16, 4k|the limit: two years.|Enter the key under Age verification",
    "fr": "il y a 10 ans|photographe depuis 12 ans|Elle a 25 ans.|Mia, 34 ans|vingt-cinq ans|trente-cinq ans|vingt et un ans"
    "|dix-huit ans|dix-neuf ans|soixante-quinze ans|quatre-vingt-dix ans|soixante-dix-sept ans|née en 1999|12 ans d'expérience"
    "|15 ans de mariage|un whisky de 12 ans d'âge|mon chien de 12 ans|maman d'une fille de 10 ans|prof d'élèves de 15 ans"
    "|interdit aux mineurs|15 minutes|en 3e position|notre marque née en 2015|15e anniversaire de mariage|dans 2 ans|à 15h30"
    "|troisième photo|en première ligne|seize heures|les enfants dorment|18h|jusqu'à deux ans à l'avance|une période de deux ans|un contrat de 3 ans",
    "es": "hace 10 años|tiene 25 años|treinta y cinco años|veinticinco años|dieciocho años|diez y ocho años|nació en 1999"
    "|10 años de experiencia|prohibido para menores de 18|llevo 10 años|mi perro de 12 años|15 minutos|once fotos"
    "|eso es todo|aquí en 15 días|madre de un hijo de 10 años",
    "de": "vor 10 Jahren|25 Jahre alt|fünfundzwanzig Jahre|seit 10 Jahren|10 Jahre Erfahrung|mein Hund ist 12 Jahre alt"
    "|1999 geboren|15 Minuten|8 Uhr|Klasse!|keine Minderjährigen|Mutter einer 10-jährigen Tochter|15 Jahre verheiratet"
    "|achtzehn Jahre alt|Set 12 ist da|in 2 Jahren|es ist 15.",
    "it": "10 anni fa|ha 25 anni|venticinque anni|trenta cinque anni|diciotto anni|nata nel 1999|da 10 anni|seconda foto"
    "|10 anni di esperienza|il mio cane di 12 anni|15 minuti|vietato ai minorenni|sei bellissima|prima volta",
    "pt": "há 10 anos|tem 25 anos|vinte e cinco anos|trinta e cinco anos|dezoito anos|nasceu em 1999|10 anos de experiência"
    "|proibido para menores de 18|meu cachorro de 12 anos|15 minutos|faz 10 anos que moro aqui|sete fotos",
}  # fmt: skip

WITH_UNIT = {
    "en": "{} years old",
    "fr": "{} ans",
    "es": "{} años",
    "de": "{} Jahre alt",
    "it": "{} anni",
    "pt": "{} anos",
}
BORN_IN = {
    "en": "born in {}",
    "fr": "née en {}",
    "es": "nacida en {}",
    "de": "{} geboren",
    "it": "nata nel {}",
    "pt": "nascida em {}",
}
STEMS = ("undic", "dodic", "tredic", "quattordic", "quindic", "sedic", "diciassett", "ach", "sieb")
"""Forms that occur only with an ending."""
ADULT_WORDS = {
    "en": ("twenty-five", "thirty seven", "eighteen", "ninety-six"),
    "fr": ("vingt-cinq", "trente-sept", "dix-huit", "quatre-vingt-seize", "soixante et onze"),
    "es": ("veinticinco", "treinta y siete", "dieciocho", "noventa y seis"),
    "de": ("fünfundzwanzig", "siebenunddreißig", "achtzehn", "sechsundneunzig"),
    "it": ("venticinque", "trentasette", "diciotto", "novantasei"),
    "pt": ("vinte e cinco", "trinta e sete", "dezoito", "noventa e seis"),
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kind, text)
        for kinds in DESCRIBED.values()
        for kind, texts in kinds.items()
        for text in texts.split("|")
    ],
)
def test_every_form_of_every_kind_is_read(kind: AgeKind, text: str) -> None:
    mentions = find_ages(text, TODAY)
    assert kind in {mention.kind for mention in mentions if mention.names_minor}, mentions


def test_every_block_has_every_kind() -> None:
    blocks = shipped_lexicon().ages.blocks
    assert sorted(blocks) == sorted(DESCRIBED) == sorted(LANGUAGES)
    for language, block in blocks.items():
        assert set(DESCRIBED[language]) == set(KINDS)
        assert set(range(5, 18)) <= set(block.numbers), language
        assert len(block.months) == 12, language
        assert block.asked, language
        for part in ("age", "birth", "birthday", "remaining", "school", "shorthand", "status"):
            assert getattr(block, part).person, (language, part)
        for part in ("age", "birth", "remaining", "school", "shorthand"):
            assert getattr(block, part).hinted, (language, part)
        for part in ("age", "status"):
            assert getattr(block, part).stated, (language, part)


def sample(parsed: Any, choose: random.Random) -> str:
    """Return a text that a parsed pattern may match; conditions around it are ignored."""
    pieces = []
    for code, value in parsed:
        match str(code):
            case "LITERAL":
                pieces.append(chr(value))
            case "BRANCH":
                pieces.append(sample(choose.choice(value[1]), choose))
            case "SUBPATTERN":
                pieces.append(sample(value[3], choose))
            case "MAX_REPEAT" | "MIN_REPEAT":
                most = min(int(value[1]), int(value[0]) + 1)
                times = choose.randint(int(value[0]), most)
                pieces += [sample(value[2], choose) for _ in range(times)]
            case "IN":
                literals = [chr(each) for kind, each in value if str(kind) == "LITERAL"]
                pieces.append(choose.choice(literals or ["x"]))
    return "".join(pieces)


def test_every_text_of_a_pattern_without_a_number_contains_an_anchor() -> None:
    known = shipped_lexicon().ages
    choose = random.Random(1)
    missed = set()
    matched = 0
    for group in known.groups:
        if group.needs == "keyword":
            parsed = parser.parse(group.pattern.pattern)
            for _ in range(3000):
                text = sample(parsed, choose)
                if group.pattern.search(text):
                    matched += 1
                    missed |= {text} if not known.keywords.search(text) else set()
    assert matched > 10_000
    assert missed == set()


@pytest.mark.parametrize(
    "text", [text for texts in NOT_MINORS.values() for text in texts.split("|")]
)
def test_other_number_is_no_age_under_18(text: str) -> None:
    assert not describes_minor(text, TODAY), find_ages(text, TODAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_with_unit_is_read(language: str) -> None:
    for age in range(1, 100):
        mentions = find_ages(f"Mia, {WITH_UNIT[language].format(age)}, likes it", TODAY)
        expected = AgeMention(age, age, AgeKind.FIGURE, AgeSubject.PERSON)
        assert (expected in mentions) is (age < 18), age


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_word_with_unit_is_read(language: str) -> None:
    for number, forms in shipped_lexicon().ages.blocks[language].numbers.items():
        expected = AgeMention(number, number, AgeKind.WORD, AgeSubject.PERSON)
        for form in forms:
            if number < 18 and not form.endswith(STEMS):
                text = f"Mia, {WITH_UNIT[language].format(form)}, likes it"
                assert expected in find_ages(text, TODAY), text


@pytest.mark.parametrize(
    ("language", "word"), [(name, word) for name, words in ADULT_WORDS.items() for word in words]
)
def test_number_word_of_an_adult_contains_no_age(language: str, word: str) -> None:
    assert find_ages(WITH_UNIT[language].format(word), TODAY) == ()


@given(
    language=st.sampled_from(LANGUAGES),
    today=st.dates(date(2026, 1, 1), date(2060, 12, 31)),
    years=st.integers(0, 60),
)
def test_year_of_birth_follows_the_day(language: str, today: date, years: int) -> None:
    text = BORN_IN[language].format(today.year - years)
    mentions = [mention for mention in find_ages(text, today) if mention.names_minor]
    assert bool(mentions) is (years <= 18) or (years < 6 and not mentions)
    if mentions:
        assert mentions[0].high == min(years, 17)
        assert mentions[0].low == max(years - 1, 0)


def test_year_that_leaves_17_or_18_counts_as_17() -> None:
    (mention,) = find_ages("she was born in 2008", TODAY)
    assert (mention.low, mention.high) == (17, 17)
    assert find_ages("she was born in 2007", TODAY) == ()
    assert find_ages("she was born in 2008", date(2027, 1, 1)) == ()
    assert find_ages("she was born in 2009", date(2027, 1, 1)) != ()


@given(born=st.dates(date(2005, 1, 1), date(2012, 12, 31)), days=st.integers(-400, 400))
def test_full_date_of_birth_gives_the_exact_age(born: date, days: int) -> None:
    try:
        eighteenth = born.replace(year=born.year + 18)
    except ValueError:
        eighteenth = date(born.year + 18, 3, 1)
    today = eighteenth + timedelta(days=days)
    for written in (born.isoformat(), f"{born:%d %B %Y}", f"{born:%B %d, %Y}", f"{born:%d. %B %Y}"):
        assert describes_minor(f"she was born on {written}", today) is (days < 0), written


@pytest.mark.parametrize(
    "text",
    [
        "１５ years old",
        "1️⃣5️⃣ years old",
        "f1fteen years old",
        "l5 years old",
        "1 5 years old",
        "fifteen&nbsp;years\nold",
        "fif<b></b>teen years old",
        "fifteen\u200b years old",
        "#15yearsold",
    ],
)
def test_disguised_age_is_read(text: str) -> None:
    assert describes_minor(text, TODAY)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("I am 15", AgeSubject.WRITER),
        ("j'ai quinze ans", AgeSubject.WRITER),
        ("she is 15", AgeSubject.PERSON),
        ("my son is 15", AgeSubject.PERSON),
        ("for 15 years", AgeSubject.OTHER),
        ("il y a 15 ans", AgeSubject.OTHER),
        ("I teach 15-year-olds", AgeSubject.OTHER),
        ("vor 15 Jahren", AgeSubject.OTHER),
    ],
)
def test_subject_of_an_age(text: str, subject: AgeSubject) -> None:
    assert {mention.subject for mention in find_ages(text, TODAY)} == {subject}


def test_hint_of_the_writer_is_not_certain() -> None:
    assert [mention.certain for mention in find_ages("I am 15", TODAY)] == [True]
    assert [mention.certain for mention in find_ages("I was born in 2011", TODAY)] == [False]


def test_remaining_years_give_the_age() -> None:
    expected = AgeMention(15, 15, AgeKind.REMAINING, AgeSubject.PERSON)
    assert expected in find_ages("3 years until she is 18", TODAY)


def test_word_about_children_is_only_a_cue() -> None:
    (mention,) = find_ages("the kids are asleep", TODAY)
    assert (mention.kind, mention.names_minor) == (AgeKind.CUE, False)


def test_number_answers_a_question_about_age() -> None:
    for asked in ("How old are you?", "t'as quel âge ?", "wie alt bist du"):
        assert is_minor_answer("15 :)", asked)
        assert not is_minor_answer("31", asked)
        assert not is_minor_answer("3", asked)
    assert not is_minor_answer("15", "How many do you want?")


@given(st.text(max_size=120))
def test_any_text_is_read(text: str) -> None:
    for mention in find_ages(f"{text} 𐀁 {text}", TODAY):
        assert 0 <= mention.low <= mention.high < 18
