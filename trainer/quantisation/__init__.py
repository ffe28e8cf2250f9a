"""From a Keras model to a .tflite file that says the same."""
