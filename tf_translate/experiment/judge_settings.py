"""The training settings of a run's judges."""

from tf_translate.config.schema import EvaluationConfig
from tf_translate.evaluation.judges.judges import JudgeSettings


def judge_settings(config: EvaluationConfig, *, seed_offset: int = 0) -> JudgeSettings:
    """Converts a run's settings; `seed_offset` is added to the seed, for different judges."""
    return JudgeSettings(
        domain_steps=config.domain_steps,
        content_steps=config.content_steps,
        seed=config.seed + seed_offset,
    )
