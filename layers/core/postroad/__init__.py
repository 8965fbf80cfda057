"""Postroad: what happened to the mail for this person, from a Postfix relay through Amazon SES to the recipient."""
