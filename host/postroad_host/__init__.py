"""Postroad on one machine: the service that follows a relay's log and SES's events, and the `postroad` command."""
