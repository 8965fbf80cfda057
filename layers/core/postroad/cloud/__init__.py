"""The use cases of the functions on AWS, and what they are wired with."""
