import pytest

from prober.flights import LATE_KEPT_S, Flight, Flights
from prober.ping import Destination, Sent


def _flight(number: int, at: float) -> Flight:
    return Flight(number, Destination("10.0.0.1", 4, ("10.0.0.1", 0)), Sent(int(at * 1e9), 0, 0))


@pytest.fixture
def flights() -> Flights:
    found = Flights(timeout_s=2.0)
    for i in range(3):
        found.add(_flight(i, 1000.0 + i))
    return found


def test_a_reply_finds_its_flight_once(flights: Flights) -> None:
    landed = flights.land(1, "10.0.0.1")
    assert landed is not None
    assert (landed.number, landed.done) == (1, False)
    assert flights.land(1, "10.0.0.1") is None


def test_number_and_source_must_both_be_right(flights: Flights) -> None:
    assert flights.land(7, "10.0.0.1") is None
    assert flights.land(1, "10.0.0.2") is None
    assert flights.land(1, "10.0.0.1") is not None


def test_what_waited_too_long_expires_in_order(flights: Flights) -> None:
    assert not flights.overdue(1002.0)
    assert flights.overdue(1003.5)
    assert [(f.number, f.end) for f in flights.expire(1003.5)] == [(0, 1002.0), (1, 1003.0)]
    assert flights.expire(1003.5) == []


def test_an_answered_flight_never_expires(flights: Flights) -> None:
    landed = flights.land(0, "10.0.0.1")
    assert landed is not None
    landed.done = True
    assert [f.number for f in flights.expire(1010.0)] == [1, 2]


def test_a_late_reply_finds_a_flight_that_is_done(flights: Flights) -> None:
    flights.expire(1010.0)
    late = flights.land(0, "10.0.0.1")
    assert late is not None
    assert late.done


def test_flights_are_forgotten_in_the_end(flights: Flights) -> None:
    flights.expire(1010.0)
    flights.overdue(1011.0 + LATE_KEPT_S)
    assert len(flights) == 0
