from cdp_assets_tests.benchmarks.__main__ import known_names, main


def test_an_unknown_benchmark_is_refused_with_the_known_ones(capsys):
    assert main(["nonsense"]) == 2
    told = capsys.readouterr().err
    assert "'nonsense'" in told
    assert all(name in told for name in known_names())


def test_without_a_name_the_benchmarks_are_listed(capsys):
    assert main([]) == 0
    assert "benchmarks" in capsys.readouterr().out
