"""An Appmixer-compatible tenant that really runs flows; everything else reaches it over HTTP."""
