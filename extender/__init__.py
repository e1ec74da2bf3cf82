"""The service beside kube-scheduler: takes reports in, and answers filter, prioritize and preempt from memory.

`intents` reads what a pod asks for, `cluster` knows which nodes its peers run on, and neither does any input or output
while a webhook waits.
"""
