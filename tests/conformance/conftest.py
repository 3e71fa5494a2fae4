"""Publishes what the conformance suite counted."""


def pytest_terminal_summary(terminalreporter):
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, counted in report.user_properties:
                terminalreporter.write_line(f"{name}: {counted}")
