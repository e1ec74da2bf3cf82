"""Node and Pod objects as kube-scheduler sends them, and the calls that hold them; the same in every run.

A Node has about 6.6 KB and a Pod about 4 KB, as on a managed cluster with its usual agents: labels, annotations,
conditions, addresses and the images of a node; volumes, probes, tolerations and conditions of a pod.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

__all__ = ["addresses", "args", "node_json", "node_names", "pod_json"]

Json = dict[str, Any]

SINCE = "2026-11-22T00:00:00Z"
CONDITIONS = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "NetworkUnavailable": ("False", "CiliumIsUp", "Cilium is running on this node"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}
IMAGES = 19


def node_names(count: int) -> list[str]:
    """Their names."""
    return [f"node-{i:05d}" for i in range(count)]


def addresses(names: Sequence[str]) -> dict[str, str]:
    """An address for each name, in order."""
    return {name: _address(i) for i, name in enumerate(names)}


def node_json(name: str) -> Json:
    """A Ready node with room for 110 pods."""
    room = {"cpu": "7910m", "memory": "31482364Ki", "ephemeral-storage": "95551679124", "pods": "110"}
    zone = f"europe-west1-{'bcd'[_number(name) % 3]}"
    return {
        "metadata": {
            "name": name,
            "uid": _uid("node", name),
            "resourceVersion": str(1_000_000 + _number(name)),
            "creationTimestamp": SINCE,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "n2-standard-8",
                "topology.kubernetes.io/region": zone[:-2],
                "topology.kubernetes.io/zone": zone,
                "example.com/pool": "default",
            },
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
                "csi.volume.kubernetes.io/nodeid": json.dumps({"csi.example.com": f"projects/p/zones/{zone}/{name}"}),
            },
        },
        "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"], "providerID": f"example://{zone}/{name}"},
        "status": _node_status(name, room),
    }


def _node_status(name: str, room: Json) -> Json:
    return {
        "capacity": {"cpu": "8", "memory": "32880060Ki", "ephemeral-storage": "103682028Ki", "pods": "110"}
        | {"hugepages-1Gi": "0", "hugepages-2Mi": "0"},
        "allocatable": room | {"hugepages-1Gi": "0", "hugepages-2Mi": "0"},
        "conditions": [
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": SINCE,
                "lastTransitionTime": SINCE,
                "reason": reason,
                "message": message,
            }
            for kind, (status, reason, message) in CONDITIONS.items()
        ],
        "addresses": [
            {"type": "InternalIP", "address": _address(_number(name))},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": _digest("machine", name)[:32],
            "systemUUID": _uid("system", name),
            "bootID": _uid("boot", name),
            "kernelVersion": "6.12.48+deb13-amd64",
            "osImage": "Debian GNU/Linux 13 (trixie)",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": "v1.36.3",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
        "images": [_image(i) for i in range(IMAGES)],
    }


def _image(number: int) -> Json:
    image = f"registry.example.com/platform/component-{number}"
    return {
        "names": [f"{image}@sha256:{_digest('image', str(number))}", f"{image}:v1.{number}.0"],
        "sizeBytes": 20_000_000 + 7_654_321 * number,
    }


def pod_json(name: str, annotations: Mapping[str, str], number: int = 0) -> Json:
    """A pending pod of a Deployment; `number` gives it a uid of its own, as every pod has."""
    labels = {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop", "pod-template-hash": "5d9c7b8f6d"}
    return {
        "metadata": {
            "name": name,
            "generateName": "web-5d9c7b8f6d-",
            "namespace": "shop",
            "uid": _uid("pod", f"{name}/{number}"),
            "resourceVersion": str(5_000_000 + number),
            "generation": 1,
            "creationTimestamp": SINCE,
            "labels": labels,
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090", **annotations},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web-5d9c7b8f6d",
                    "uid": _uid("owner", "web"),
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": _pod_spec(labels),
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    }


def _pod_spec(labels: Mapping[str, str]) -> Json:
    return {
        "volumes": [
            {"name": "config", "configMap": {"name": "web-config", "defaultMode": 420}},
            {
                "name": "kube-api-access-x7k2p",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    ],
                    "defaultMode": 420,
                },
            },
        ],
        "containers": [_container("web", 8080), _container("sidecar", 15000)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "web",
        "serviceAccount": "web",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
        "schedulerName": "neilats-scheduler",
        "tolerations": [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(labels)},
            }
        ],
    }


def _container(name: str, port: int) -> Json:
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}:v1.4.2",
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}]
        + [
            {"name": variable, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for variable, path in (("POD_NAME", "metadata.name"), ("POD_IP", "status.podIP"))
        ],
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "volumeMounts": [
            {"name": "config", "readOnly": True, "mountPath": "/etc/web"},
            {
                "name": "kube-api-access-x7k2p",
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            },
        ],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
            "timeoutSeconds": 1,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
    }


def args(pod: Json, names: Sequence[str], nodes: Mapping[str, bytes] | None = None) -> bytes:
    """An ExtenderArgs with node names or, from their encoded objects, with whole nodes; nulls are sent, as Go does."""
    encoded = json.dumps(pod, separators=(",", ":")).encode()
    if nodes is None:
        listed = json.dumps(names, separators=(",", ":")).encode()
        return b'{"Pod":' + encoded + b',"Nodes":null,"NodeNames":' + listed + b"}"
    items = b",".join([nodes[name] for name in names])
    return b'{"Pod":' + encoded + b',"Nodes":{"metadata":{},"items":[' + items + b']},"NodeNames":null}'


def _address(number: int) -> str:
    return f"10.{16 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"


def _number(name: str) -> int:
    return int(_digest("number", name)[:8], 16) % 1_000_000


def _digest(*parts: str) -> str:
    return sha256("/".join(parts).encode()).hexdigest()


def _uid(*parts: str) -> str:
    found = _digest(*parts)
    return f"{found[:8]}-{found[8:12]}-4{found[13:16]}-8{found[17:20]}-{found[20:32]}"
