"""Methods of predictions. They load the packages of the extra `analysis`, so only child processes
import them; see `insights.predictions.child_process`."""
