"""The machine: files, streams, signals, memory, and where hnlstat's own files are."""
