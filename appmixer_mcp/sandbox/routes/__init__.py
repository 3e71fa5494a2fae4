"""One module for each resource of the REST API, under the names the client uses."""
