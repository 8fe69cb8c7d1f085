"""What a machine can see of a rule: functions that yield a sentence for each thing that is missing."""
