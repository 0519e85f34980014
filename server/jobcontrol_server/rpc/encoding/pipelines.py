"""Pipelines as messages."""

from __future__ import annotations

from datetime import timedelta

from jobcontrol import v1 as pb
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.tolerance import CONTINUE, FAIL_FAST
from jobcontrol_core.domain.values import PipelineSpec, StageSpec
from jobcontrol_server.rpc.encoding.plain import DOCUMENT_REQUIREMENT, to_duration, to_struct


def to_pipeline(spec: PipelineSpec) -> pb.Pipeline:
    return pb.Pipeline(
        pipeline=spec.name,
        version=spec.version,
        description=spec.description,
        input_schema=to_struct(spec.input_schema),
        document=DOCUMENT_REQUIREMENT[spec.document],
        document_media_types=spec.media_types,
        has_sample=spec.sample is not None,
        stages=[_to_stage(stage) for stage in spec.stages],
    )


def _to_stage(stage: StageSpec) -> pb.PipelineStage:
    return pb.PipelineStage(
        stage=stage.name,
        queue=stage.queue,
        weight=stage.weight,
        version=stage.version,
        concurrency=stage.concurrency,
        retry_policy=_to_retry_policy(stage.retry),
        failure_policy=_to_failure_policy(stage.tolerated_share),
        tolerated_share=stage.tolerated_share if FAIL_FAST < stage.tolerated_share < CONTINUE else 0.0,
    )


def _to_failure_policy(tolerated_share: float) -> pb.FailurePolicy.ValueType:
    if tolerated_share == FAIL_FAST:
        return pb.FAILURE_POLICY_FAIL_FAST
    return pb.FAILURE_POLICY_CONTINUE if tolerated_share == CONTINUE else pb.FAILURE_POLICY_TOLERATE


def _to_retry_policy(policy: RetryPolicy) -> pb.RetryPolicy:
    return pb.RetryPolicy(
        max_attempts=policy.max_attempts,
        initial_backoff=to_duration(timedelta(seconds=policy.base)),
        max_backoff=to_duration(timedelta(seconds=policy.max_delay)),
        multiplier=policy.factor,
    )
