"""What every test shares: the control plane; and no property test fails because the machine was busy."""

from hypothesis import HealthCheck, settings

from tests.controlplane.fixtures import kube, plane

__all__ = ["kube", "plane"]

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
