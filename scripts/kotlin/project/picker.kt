// Stubs of the photo picker.
package androidx.activity.result

import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia

class ActivityResultLauncher<I>(private val id: Int) {
    fun launch(input: I) = id + input.hashCode()
}

class PickVisualMediaRequest(val mediaType: PickVisualMedia.VisualMediaType)
