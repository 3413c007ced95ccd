package %%{package}

import android.graphics.Bitmap

/** A translation that the app offers. */
class Choice(val name: String, val translate: (Translator, Bitmap) -> Bitmap)

/** The signatures of the bundle that make one image of one image. */
val CHOICES = listOf(
%%{choices})
