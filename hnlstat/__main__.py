"""Run hnlstat: `python -m hnlstat`."""

try:
    from hnlstat.app import main
except KeyboardInterrupt:  # so soon
    raise SystemExit(130) from None

raise SystemExit(main())
