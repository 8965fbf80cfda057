"""Metrics on AWS, as documents in the function's own log."""

from collections.abc import Iterable, Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider


def document(
    counted: Mapping[str, int],
    milliseconds: Mapping[str, Iterable[int]] | None = None,
    dimensions: Mapping[str, str] | None = None,
) -> None:
    """Write metrics to standard output, where Lambda's log takes them: for the service, and by each dimension."""
    emf = AmazonCloudWatchEMFProvider()
    service = emf.service or "postroad"
    emf.add_dimension("service", service)
    for name, value in (dimensions or {}).items():
        emf.add_dimensions(service=service, **{name: value})
    for name, number in counted.items():
        emf.add_metric(name, MetricUnit.Count, number)
    for name, times in (milliseconds or {}).items():
        for time in times:
            emf.add_metric(name, MetricUnit.Milliseconds, time)
    if emf.metric_set:
        # It is empty where the hundredth time has just flushed it.
        emf.flush_metrics()
