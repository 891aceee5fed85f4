"""Run hnlstat: `python -m hnlstat`."""

from hnlstat.app import main

raise SystemExit(main())
