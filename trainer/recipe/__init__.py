"""From a folder of photographs to a finished folder: the trainer's main job."""
