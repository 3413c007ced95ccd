// Stubs of Android's widgets.
package android.widget

import android.content.Context
import android.graphics.Bitmap
import android.view.View

class Button : View()

class TextView : View() {
    var text = ""
}

class ImageView : View() {
    fun setImageBitmap(image: Bitmap?) = image.hashCode()

    fun setImageDrawable(drawable: Any?) = drawable.hashCode()
}

class ArrayAdapter<T>(val context: Context, val resource: Int, val objects: List<T>)

abstract class AdapterView<T> : View() {
    var adapter: T? = null
    var onItemSelectedListener: OnItemSelectedListener? = null

    interface OnItemSelectedListener {
        fun onItemSelected(parent: AdapterView<*>?, view: View?, position: Int, id: Long)

        fun onNothingSelected(parent: AdapterView<*>?)
    }
}

class Spinner : AdapterView<ArrayAdapter<*>>()
