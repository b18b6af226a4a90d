"""Every claim of speed, measured: one file a claim, peers side by side in one run."""
