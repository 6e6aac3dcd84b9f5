"""The forecast is what the scheduler would do, if nobody arrives."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothub.domain.calendar import Booking, Holder, Turn
from shothub.domain.forecast import Diary, InHand, Pending, replay
from shothub.domain.queue import Key, Policy, Service, State, Work

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
T = NOW.timestamp()
NO_EXPRESS = State(policy=Policy(express_share=0.0))
ALICE, BOB, CAROL = (Key(None, user) for user in (1, 2, 3))


def pending(
    name: str,
    key: Key,
    shots: int,
    *,
    seconds: float = 10.0,
    service: Service = Service.NORMAL,
    config: str = "",
    **more: object,
) -> Pending:
    work = Work(
        job=name,
        service=service,
        seconds=seconds,
        shots=shots,
        config=config,
        arrived=T - 100 + len(name),
    )
    return Pending(key=key, work=work, **more)  # type: ignore[arg-type]


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def test_a_lone_job_starts_now_and_ends_after_its_shots() -> None:
    seen = replay(NO_EXPRESS, [pending("a", ALICE, 6)], now=T)["a"]
    assert (seen.place, seen.ahead) == (1, 0)
    assert (seen.starts, seen.ends) == (T, T + 60)


def test_what_the_machine_has_in_hand_comes_first() -> None:
    jobs = [pending("a", ALICE, 6), pending("b", BOB, 1)]
    seen = replay(NO_EXPRESS, jobs, now=T, in_hand=[InHand("b", 2, 15.0)])
    assert seen["a"].starts == T + 15
    assert seen["a"].ahead == 2
    assert seen["b"].starts == T


def test_a_job_of_which_the_last_shot_runs_ends_with_it() -> None:
    seen = replay(NO_EXPRESS, [], now=T, in_hand=[InHand("b", 1, 7.0)])
    assert seen["b"].ends == T + 7


def test_two_users_take_turns() -> None:
    seen = replay(NO_EXPRESS, [pending("a", ALICE, 60), pending("b", BOB, 12)], now=T)
    assert seen["b"].starts == T + 60  # half a round of 120 s
    assert seen["b"].ahead == 6
    assert seen["b"].ends < seen["a"].ends == T + 720


def test_a_users_own_order_is_kept() -> None:
    jobs = [pending("x", ALICE, 1, rank=(0.0,)), pending("y", ALICE, 1, rank=(-5.0,))]
    seen = replay(NO_EXPRESS, jobs, now=T)
    assert seen["y"].starts == T < seen["x"].starts


def test_express_goes_ahead() -> None:
    jobs = [pending("a", ALICE, 1000), pending("short", BOB, 3)]
    serving = State(serving=ALICE)
    assert replay(serving, jobs, now=T)["short"].starts == T
    assert replay(NO_EXPRESS, jobs, now=T)["short"].starts > T


def test_a_change_of_configuration_takes_its_time() -> None:
    state = State(policy=NO_EXPRESS.policy, config="old", switch=20.0)
    seen = replay(state, [pending("a", ALICE, 2, config="new")], now=T)["a"]
    assert (seen.starts, seen.ends) == (T + 20, T + 40)


def test_a_job_waits_for_its_time_and_for_others() -> None:
    jobs = [
        pending("late", ALICE, 1, ready=T + 500),
        pending("first", BOB, 2),
        pending("then", BOB, 2, after=("first",)),
    ]
    seen = replay(NO_EXPRESS, jobs, now=T)
    assert seen["late"].starts == T + 500
    assert seen["then"].starts == seen["first"].ends


def test_what_waits_for_something_unknown_is_left_out() -> None:
    jobs = [pending("a", ALICE, 2), pending("b", BOB, 2, after=("nothing",))]
    assert set(replay(NO_EXPRESS, jobs, now=T)) == {"a"}


def test_the_labs_own_work_goes_first_and_apart_from_its_users() -> None:
    jobs = [
        pending("mine", ALICE, 5),
        pending("check", ALICE, 1, service=Service.SAFETY),
    ]
    seen = replay(NO_EXPRESS, jobs, now=T)
    assert seen["check"].starts == T
    assert seen["mine"].starts == T + 10


def booking(starts: float, ends: float, holder: Holder | None) -> Booking:
    return Booking(id=1, holder=holder, starts=minutes(starts), ends=minutes(ends))


def test_nothing_runs_during_maintenance_nor_into_it() -> None:
    diary = Diary([booking(1, 30, None)])
    seen = replay(NO_EXPRESS, [pending("a", ALICE, 20)], now=T, diary=diary)["a"]
    # 58 s are left before it, with a margin of 2 s: five shots of 10 s.
    assert seen.starts == T
    assert seen.ends == T + 30 * 60 + 15 * 10


def test_the_holder_of_a_reservation_goes_first_and_others_wait() -> None:
    diary = Diary([booking(-1, 30, Holder(user=BOB.user))])
    jobs = [pending("a", ALICE, 6), pending("b", BOB, 6)]
    seen = replay(NO_EXPRESS, jobs, now=T, diary=diary)
    assert seen["b"].starts == T
    assert seen["a"].starts == T + 360  # lent five minutes after it was last used


def test_others_run_after_a_session() -> None:
    turn = Turn(id="s", user=BOB.user, group=None, until=minutes(10))
    jobs = [pending("a", ALICE, 6), pending("b", BOB, 1, session="s")]
    seen = replay(NO_EXPRESS, jobs, now=T, diary=Diary((), turn))
    assert seen["b"].starts == T
    assert seen["a"].starts == T + 600


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 30), st.sampled_from([0.5, 3, 20])),
        min_size=1,
        max_size=12,
    )
)
def test_every_job_is_foreseen_and_the_machine_never_idles(
    drawn: list[tuple[int, int, float]],
) -> None:
    jobs = [
        pending(f"j{i}", Key(None, user), shots, seconds=seconds)
        for i, (user, shots, seconds) in enumerate(drawn)
    ]
    seen = replay(State(), jobs, now=T)
    assert len(seen) == len(jobs)
    total = sum(shots * seconds for _, shots, seconds in drawn)
    assert max(f.ends for f in seen.values()) == pytest.approx(T + total)
    assert sorted(f.place for f in seen.values()) == list(range(1, len(jobs) + 1))
    assert all(f.starts < f.ends for f in seen.values())


def test_a_long_queue_is_foreseen_to_its_end() -> None:
    jobs = [
        pending(f"j{i}", Key(None, i % 20), 50, rank=(float(i),)) for i in range(10_000)
    ]
    seen = replay(NO_EXPRESS, jobs, now=T)
    assert len(seen) == 10_000
    assert max(f.ends for f in seen.values()) == pytest.approx(T + 10_000 * 500)
    mine = [seen[f"j{i}"] for i in range(0, 10_000, 20)]
    assert mine == sorted(mine, key=lambda f: f.starts)


def test_the_far_future_agrees_with_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [
        pending(f"j{i}", Key(None, i % 5), 30, rank=(float(i),)) for i in range(100)
    ]
    exact = replay(NO_EXPRESS, jobs, now=T)
    monkeypatch.setattr("shothub.domain.forecast.EXACT_STEPS", 20)
    coarse = replay(NO_EXPRESS, jobs, now=T)
    for name, seen in exact.items():
        assert coarse[name].ends == pytest.approx(seen.ends, abs=5 * 300)
    assert max(f.ends for f in coarse.values()) == pytest.approx(T + 30_000)


def test_what_is_pushed_back_in_the_far_future_keeps_its_condition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shothub.domain.forecast.EXACT_STEPS", 0)
    jobs = [
        pending("a", ALICE, 10),
        pending("b", BOB, 10, after=("a",)),
        pending("c", BOB, 1, ready=T + 9000),
    ]
    seen = replay(NO_EXPRESS, jobs, now=T)
    assert seen["b"].starts >= seen["a"].ends
    assert seen["c"].starts >= T + 9000


def test_shots_without_a_length_do_not_stop_the_replay() -> None:
    seen = replay(NO_EXPRESS, [pending("a", ALICE, 3, seconds=0.0)], now=T)
    assert seen["a"].ends == T
