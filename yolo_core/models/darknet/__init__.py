"""Networks of the Darknet program: `.cfg` to Keras, `.weights` in and out, its detections."""
