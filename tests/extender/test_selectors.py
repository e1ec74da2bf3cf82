"""Label selectors: the grammar of `kubectl -l`, and its meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extender.selectors import Requirement, Selector, SelectorError, parse_selector

NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,8}[A-Za-z0-9])?", fullmatch=True)
KEYS = st.one_of(NAMES, st.builds("{}/{}".format, st.sampled_from(["example.com", "app.kubernetes.io"]), NAMES))
VALUES = st.one_of(st.just(""), NAMES)
GAPS = st.sampled_from(["", " ", "  ", "\t"])
REQUIREMENTS = st.one_of(
    st.builds(
        lambda k, op, vs: Requirement(k, op, tuple(sorted(vs))),
        KEYS,
        st.sampled_from(["in", "notin"]),
        st.sets(VALUES, min_size=1, max_size=3),
    ),
    st.builds(Requirement, KEYS, st.sampled_from(["exists", "absent"])),
)
SELECTORS = st.lists(REQUIREMENTS, max_size=4).map(lambda rs: Selector(tuple(rs)))
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("app=db", [Requirement("app", "in", ("db",))]),
        ("app==db", [Requirement("app", "in", ("db",))]),
        (" app = db ", [Requirement("app", "in", ("db",))]),
        ("app=", [Requirement("app", "in", ("",))]),
        ("app!=db", [Requirement("app", "notin", ("db",))]),
        ("app in (db,cache)", [Requirement("app", "in", ("cache", "db"))]),
        ("app in(db)", [Requirement("app", "in", ("db",))]),
        ("app notin ( db , cache )", [Requirement("app", "notin", ("cache", "db"))]),
        ("app", [Requirement("app", "exists")]),
        ("!app", [Requirement("app", "absent")]),
        ("! app", [Requirement("app", "absent")]),
        ("in", [Requirement("in", "exists")]),
        (
            "app.kubernetes.io/name=db,tier in (a,b),!old",
            [
                Requirement("app.kubernetes.io/name", "in", ("db",)),
                Requirement("tier", "in", ("a", "b")),
                Requirement("old", "absent"),
            ],
        ),
        ("", []),
    ],
)
def test_every_form_of_the_grammar_parses(text: str, parsed: list[Requirement]) -> None:
    assert parse_selector(text).requirements == tuple(parsed)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("app=db,", "no requirement"),
        (",", "no requirement"),
        ("app=a b", "no requirement"),
        ("app>5", "no requirement"),
        ("a=b=c", "no requirement"),
        ("app in db", "no requirement"),
        ("app in ()", "names no value"),
        ("app in (a", "not closed"),
        ("app in ((a))", "unbalanced"),
        ("app in a)", "unbalanced"),
        ("-app=db", "no label key"),
        ("Example.com/app=db", "prefix"),
        ("/app=db", "prefix"),
        ("example.com/=db", "no label key"),
        ("app=-db", "no label value"),
        ("app=" + "x" * 64, "63"),
        ("a" * 254 + "/app", "prefix"),
    ],
)
def test_what_is_no_selector_is_refused_with_its_reason(text: str, complaint: str) -> None:
    with pytest.raises(SelectorError, match=complaint):
        parse_selector(text)


@pytest.mark.parametrize(
    "text", ["({}", "({}((", "{}>", "-{}=a", "a=-{}", "{}/a", "{} in ()"], ids=lambda text: text.format("x")
)
def test_the_message_about_a_huge_text_is_short(text: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_selector(text.format("x" * 200_000))
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("app=db", {"app": "db"}, True),
        ("app=db", {}, False),
        ("app=", {}, False),
        ("app!=db", {}, True),
        ("app!=db", {"app": "db"}, False),
        ("app notin (db)", {}, True),
        ("app in (db,cache)", {"app": "cache"}, True),
        ("app", {"app": ""}, True),
        ("!app", {"app": ""}, False),
        ("app=db,tier=a", {"app": "db"}, False),
        ("", {"anything": "goes"}, True),
    ],
)
def test_labels_match_as_in_kubernetes(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_selector(text).matches(labels) is matches


@given(SELECTORS)
def test_the_text_of_a_selector_parses_back_to_it(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector


@given(KEYS, st.lists(VALUES, min_size=1, max_size=3), GAPS, GAPS, GAPS)
def test_white_space_between_the_parts_means_nothing(key: str, values: list[str], a: str, b: str, c: str) -> None:
    listed = f"{b},{c}".join([*values, "x"])
    assert parse_selector(f"{a}{key} {a}in{b}({c}{listed}{a}){b}") == parse_selector(f"{key} in ({','.join(values)},x)")


@given(SELECTORS, LABELS)
def test_matching_agrees_with_the_definition_word_by_word(selector: Selector, labels: dict[str, str]) -> None:
    def holds(r: Requirement) -> bool:
        value = labels.get(r.key)
        return {
            "in": value is not None and value in r.values,
            "notin": value is None or value not in r.values,
            "exists": value is not None,
            "absent": value is None,
        }[r.operator]

    assert selector.matches(labels) == all(map(holds, selector.requirements))


@given(
    st.one_of(st.text(alphabet="aZ5\x00\u0665\u00e9=", max_size=40), st.text(alphabet="ab=!,() in\tot/.-", max_size=40))
)
def test_any_text_is_a_selector_or_a_selector_error(text: str) -> None:
    try:
        selector = parse_selector(text)
    except SelectorError:
        return
    assert parse_selector(str(selector)) == selector
