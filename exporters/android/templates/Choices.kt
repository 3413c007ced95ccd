package %%{package}

import android.graphics.Bitmap

/** A translation that the app offers. */
class Choice(val name: String, val translate: (Translator, Bitmap) -> Bitmap)

/** Of a larger photo fewer rows and columns are read, so that the largest result fits into memory. */
const val MAX_PHOTO_PIXELS = %%{max_pixels}

/** The signatures of the bundle that make one image of one image. */
val CHOICES = listOf(
%%{choices})
