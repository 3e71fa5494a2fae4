"""`python -m appmixer_mcp` is the command `appmixer-mcp`."""

from appmixer_mcp.cli import main

raise SystemExit(main())
